"""A GPU's quarter hour: what is begun in which time, and that nothing which came is lost. Not what the parts do."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from bench.gpu.__main__ import installed
from bench.gpu.parts import GpuPart, on_a_gpu, small
from bench.gpu.session import run_all, verdict
from tests.server import ROOT


def part(name: str, code: str, folder: Path, most_s: float = 180, least_s: float = 1) -> GpuPart:
    """One that runs `code`, from a module in `folder`."""
    (folder / f"part_{name}.py").write_text(code)
    return GpuPart(name, f"what of {name}", (f"part_{name}",), most_s, least_s)


def test_a_part_has_its_own_limit_and_no_more_than_is_left() -> None:
    one = GpuPart("one", "", (), most_s=100, least_s=30)
    assert [one.limit_s(left_s) for left_s in (1000, 100, 40, 30, 29.9, -5)] == [100, 100, 40, 30, None, None]


def test_the_most_valuable_comes_first_and_none_can_take_the_time_of_all() -> None:
    parts = on_a_gpu("cuda", Path("random"))
    assert [one.name for one in parts][:2] == ["goldens", "attention"]
    assert parts[-1].name == "batching"
    assert all(0 < one.least_s < one.most_s <= 300 for one in parts)
    assert sum(one.least_s for one in parts) <= 14 * 60


@pytest.mark.parametrize("one", [*on_a_gpu("cuda:1", Path("random")), *small("cpu")], ids=lambda one: one.name)
def test_every_command_is_there_with_the_options_it_is_given(one: GpuPart) -> None:
    module, *arguments = one.command
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    known = {
        node.value
        for name in (module, "bench.apps")
        for node in ast.walk(ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text()))
        if isinstance(node, ast.Constant)
    }
    assert {word for word in arguments if word.startswith("--")} <= known


def test_what_came_stays_whatever_follows(tmp_path: Path) -> None:
    """One is done, one fails, one is stopped while a child of its own still works, and for one no time is left."""
    results, seconds = tmp_path / "results", iter([0, 0, 10, 20, 595])
    table = "pathlib.Path(os.environ['BENCH_RESULTS'], 'table').write_text('7')"
    writes = f"import os, pathlib; {table}; print('a: 1, at most 2: **met**')"
    child = "[sys.executable, '-c', 'import time; time.sleep(600)']"
    sleeps = f"import subprocess, sys; one = subprocess.Popen({child}); print(one.pid, flush=True); one.wait()"
    parts = [
        part("good", writes, tmp_path),
        part("broken", "print('so far'); import a_package_that_is_not_here", tmp_path),
        part("slow", sleeps, tmp_path, most_s=4, least_s=1),
        part("late", "print('never')", tmp_path, least_s=6),
    ]
    environment = {"PYTHONPATH": str(tmp_path)}
    outcomes = []
    for outcome in run_all(parts, 10, results, environment, now=lambda: next(seconds)):
        outcomes.append(outcome)
        assert [one["name"] for one in json.loads((results / "gpu.json").read_text())] == [o.name for o in outcomes]
    assert [outcome.state for outcome in outcomes] == ["done", "failed", "stopped", "left out"]
    good, broken, slow, late = (outcome.said for outcome in outcomes)
    assert good == "1 targets met, 0 missed"
    assert broken == "ModuleNotFoundError: No module named 'a_package_that_is_not_here'"
    assert slow == "its 4 s were over"
    assert late == "5 s were left, it needs 6"
    assert (results / "table").read_text() == "7"
    child_pid = (results / "slow.log").read_text()  # nothing if the machine was too slow for it to begin
    assert not child_pid or gone(int(child_pid))
    assert (results / "broken.log").read_text().startswith("so far\n")
    assert "| broken | what of broken | failed |" in (results / "gpu.md").read_text()


def test_a_table_without_targets_is_called_by_its_title(tmp_path: Path) -> None:
    log = tmp_path / "memory.log"
    log.write_text("# Peaks of memory\n\n| what | MB |\n\n2026-12-01, on a machine\n")
    assert verdict(log, "done") == "no targets, a table: Peaks of memory"
    assert verdict(log, "failed") == "2026-12-01, on a machine"


def gone(pid: int) -> bool:
    """Killed, though perhaps nobody has asked after it yet."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_carried_wheels_are_installed_for_the_run_and_found_first(tmp_path: Path) -> None:
    name = "carried-1.0-py3-none-any.whl"
    with zipfile.ZipFile(tmp_path / name, "w") as wheel:
        wheel.writestr("carried.py", "print('from a wheel')")
        wheel.writestr("carried-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: carried\nVersion: 1.0\n")
        wheel.writestr("carried-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("carried-1.0.dist-info/RECORD", "")
    assert installed(None, tmp_path / "none") == []
    (place,) = installed(tmp_path, tmp_path / "packages")
    one = GpuPart("one", "", ("carried",), most_s=180, least_s=1)
    (outcome,) = run_all([one], 10, tmp_path / "results", {"PYTHONPATH": place})
    assert (outcome.state, outcome.said) == ("done", "from a wheel")


def test_it_begins_without_torch_and_without_packages() -> None:
    code = "import sys, bench.gpu.__main__; sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'model')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
