"""A process for what keeps Python's lock: equal results, and nobody waits for it or dies of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import torch
from torch import Tensor

from model.errors import EngineError
from model.mesh.atlas import unwrap
from model.mesh.decimation import decimated
from model.mesh.poisson import sealed
from model.runtime.side_process import Compute, SideProcess, in_this_process
from tests.model.mesh.meshes import sphere
from tests.model.runtime import errands
from tests.server import ROOT, eventually


@pytest.fixture
def side_process() -> Iterator[SideProcess]:
    process = SideProcess()
    yield process
    process.close()


def test_meshes_are_the_same_wherever_they_are_made(side_process: SideProcess) -> None:
    mesh = sphere(4)

    def tensors(run: Compute) -> list[Tensor]:
        closed = sealed(mesh, depth=5, run=run)
        small = decimated(closed, 500, run=run)
        atlas = unwrap(small, 256, run=run)
        return [closed.vertices, closed.faces, small.vertices, small.faces, atlas.source, atlas.faces, atlas.uv]

    for plain, there in zip(tensors(in_this_process), tensors(side_process.run), strict=True):
        torch.testing.assert_close(there, plain, rtol=0, atol=0)


def test_this_process_goes_on_while_that_one_keeps_its_lock(side_process: SideProcess, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor(1) as threads:
        byte = threads.submit(side_process.run, errands.read_keeping_the_lock, str(fifo))
        fifo.write_bytes(b"x")  # were it in this process, nobody would get to write
        assert byte.result(timeout=600) == b"x"


def test_one_process_serves_all_calls_and_has_no_torch(side_process: SideProcess) -> None:
    first, second = side_process.run(errands.number), side_process.run(errands.number)
    assert first == second != os.getpid()
    assert side_process.run(errands.loaded, "xatlas")
    assert not side_process.run(errands.loaded, "torch")


def test_what_a_function_raises_is_raised_here(side_process: SideProcess) -> None:
    with pytest.raises(ValueError, match="a word"):
        side_process.run(errands.refuse, "a word")
    assert side_process.run(errands.number) > 0


def test_who_brings_it_down_fails_and_the_next_one_has_another(side_process: SideProcess) -> None:
    before = side_process.run(errands.number)
    with pytest.raises(EngineError, match="'crash'"):
        side_process.run(errands.crash)
    assert side_process.run(errands.number) != before


def test_a_process_killed_by_others_loses_nothing(side_process: SideProcess, tmp_path: Path) -> None:
    assert side_process.run(errands.crash_once, str(tmp_path / "crashed")) == "done"


def test_closing_ends_what_it_computes(side_process: SideProcess, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(side_process.run, errands.announce_and_wait, str(tmp_path / "pid"))
        pid = announced(tmp_path / "pid")
        side_process.close()
        with pytest.raises(EngineError, match="closed"):
            call.result(timeout=600)
    assert not psutil.pid_exists(pid)
    with pytest.raises(EngineError, match="closed"):
        side_process.run(errands.number)


def test_it_ends_with_its_owner(tmp_path: Path) -> None:
    """Killed, so that it could not say good-bye."""
    script = (
        "import sys, time; from model.runtime.side_process import SideProcess; from tests.model.runtime import errands;"
    )
    script += "a = SideProcess(); print(a.run(errands.number), flush=True); time.sleep(6000)"
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    process = psutil.Process(pid) if psutil.pid_exists(pid) else None
    assert process is None or psutil.wait_procs([process], timeout=600)[1] == []


def announced(file: Path) -> int:
    """The process that wrote its number there; waits for it."""
    eventually(lambda: file.exists() and file.read_text())
    return int(file.read_text())
