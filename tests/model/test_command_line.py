"""`python -m model`: the engine without a server, and the demo pack it can run on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
import torch
from safetensors.torch import load_file

from model.__main__ import main
from model.demo_pack.writing import write_demo_pack
from model.engines.check import check
from model.engines.pack import EnginePack
from model.weights.pack import DEMO
from tests.model.catvton.test_tryon import GARMENT, MASK, PERSON
from tests.model.tryon.drawing import opened, saved
from tests.model.tryon.labelled import draw_labelled

PICTURES = ["--person", str(PERSON), "--garment", str(GARMENT), "--mask", str(MASK)]
QUICK = ["--width", "96", "--height", "128", "--steps", "2", "--model-dir", "demo", "--device", "cpu"]


def test_a_person_is_dressed_from_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "model", "tryon", *PICTURES, *QUICK, "--out", str(tmp_path / "new"), "--seed", "5"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == f"seed 5, results in {tmp_path / 'new'}\n"
    assert "denoise: 100%" in done.stderr
    assert opened(tmp_path / "new/result.png").size == opened(PERSON).size


def test_every_option_reaches_the_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--guidance",
        "1",
        "--eta",
        "0",
        "--samples",
        "2",
        "--no-repaint",
        "--format",
        "jpeg",
        "--dtype",
        "bfloat16",
        "--quality",
        "fast",
        "--solver",
        "dpmpp",
    ]
    garments = ["--upper", str(GARMENT), "--lower", str(GARMENT), "--mask-polarity", "black_repaints"]
    pictures = ["--person", str(PERSON), "--mask", str(MASK), *garments]
    assert main(["tryon", *pictures, *QUICK, *options, "--out", str(tmp_path)]) == 0
    assert {file.name: opened(file).size for file in tmp_path.iterdir()} == {
        "result.jpg": (96, 128),
        "result_1.jpg": (96, 128),
    }
    assert capsys.readouterr().out.startswith("seed ")


def test_a_mask_is_found_from_the_command_line(masking_weights: Path, tmp_path: Path) -> None:
    person = saved(draw_labelled(), tmp_path / "person.png")
    where = ["--model-dir", str(masking_weights), "--device", "cpu", "--out", str(tmp_path / "out")]
    assert main(["tryon", "--person", str(person), "--mask-only", "--category", "lower", *where]) == 0
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mask.png"]
    pictures = ["--person", str(person), "--garment", str(GARMENT)]
    assert main(["tryon", *pictures, *QUICK, *where, "--return-mask", "--variant", "mask"]) == 0
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"mask.png", "result.png"}


def test_size_and_steps_default_to_the_packs(tmp_path: Path) -> None:
    options = ["--no-repaint", "--model-dir", "demo", "--device", "cpu", "--steps", "1"]
    assert main(["tryon", *PICTURES, *options, "--out", str(tmp_path)]) == 0
    assert opened(tmp_path / "result.png").size == (96, 128)


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--model-dir", "nowhere"], 1, "error: MODEL_DIR=nowhere holds no weights"),
        (["--mask", str(Path(__file__))], 1, "error: mask cannot be read as a picture"),
        (["--width", "100"], 2, "error: width: Input should be a multiple of 8"),
        (["--upper", str(GARMENT), "--lower", str(GARMENT)], 2, "give either 'garment' or 'garments'"),
        (["--upper", str(GARMENT)], 2, "error: garments.lower: Field required"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], status: int, said: str
) -> None:
    assert main(["tryon", *PICTURES, *QUICK, "--out", str(tmp_path), *options]) == status
    last = capsys.readouterr().err.rstrip("\n").splitlines()[-1]
    assert said in last
    assert last.startswith("error: ")


def test_incomplete_weights_are_named(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (weights / "catvton/vae/config.json").unlink()
    assert main(["tryon", *PICTURES, *QUICK, "--model-dir", str(weights), "--out", str(weights)]) == 1
    assert "lacks catvton/vae/config.json" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named_before_anything_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["tryon", *PICTURES, *QUICK, "--out", "out", "--mask", "absent.png"])
    assert caught.value.code == 2
    assert "argument --mask: no such file: absent.png" in capsys.readouterr().err


def test_a_wrong_command_line_exits_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["tryon"])
    assert caught.value.code == 2


# -- the demo pack -------------------------------------------------------------------------------------------------


def test_the_committed_demo_pack_is_the_one_the_code_writes(tmp_path: Path) -> None:
    assert main(["demo-pack", str(tmp_path)]) == 0
    names = [file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file()]
    assert set(names) == {file.relative_to(DEMO) for file in DEMO.rglob("*") if file.is_file()}
    for name in names:
        if name.suffix == ".safetensors":
            written, committed = load_file(tmp_path / name), load_file(DEMO / name)
            assert written.keys() == committed.keys()
            assert all(torch.allclose(written[key], committed[key], atol=1e-3) for key in written)
        elif name.suffix == ".pt":
            written, committed = (torch.load(folder / name, weights_only=True) for folder in (tmp_path, DEMO))
            assert written.keys() == committed.keys()
            assert all(torch.allclose(written[key], committed[key], atol=1e-3) for key in written)
        elif name.suffix in (".npz", ".txt"):
            assert (tmp_path / name).read_bytes() == (DEMO / name).read_bytes()
        elif name.suffix == ".onnx":
            assert onnx.load(tmp_path / name) == onnx.load(DEMO / name)
        elif name.name != "manifest.json":
            assert json.loads((tmp_path / name).read_text()) == json.loads((DEMO / name).read_text())


def test_the_demo_pack_has_no_problem_and_is_small() -> None:
    pack = EnginePack("demo")
    reports = {report.engine: report for report in check(pack) if report.engine in pack.engines}
    assert list(reports) == ["warp", "catvton", "ootdiffusion", "template", "pointcloth", "up2you"]
    assert all(report.problems == [] for report in reports.values())
    assert reports["warp"].bytes_on_disk < 13e6
    assert reports["catvton"].bytes_on_disk < 28e6
    assert reports["template"].bytes_on_disk < 16e6
    assert reports["up2you"].bytes_on_disk < 6e6
    assert sum(file.stat().st_size for file in (DEMO / "ootdiffusion").rglob("*") if file.is_file()) < 8e6


def test_writing_the_pack_twice_changes_nothing(tmp_path: Path) -> None:
    write_demo_pack(tmp_path)
    before = (tmp_path / "manifest.json").read_text()
    write_demo_pack(tmp_path)
    assert (tmp_path / "manifest.json").read_text() == before
