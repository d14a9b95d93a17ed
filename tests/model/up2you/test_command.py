"""`python -m model avatar` and what `check` says of its weights."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from model.__main__ import main
from tests.model.up2you.avatar_files import OF_STAGES, glb, same
from tests.model.up2you.conftest import Portrait

WHERE = ["--model-dir", "demo", "--device", "cpu"]
TINY = ["--size", "64", "--steps", "2", "--mesh-size", "64", "--iterations", "3", "--faces", "2000", "--seed", "1"]


def test_a_folder_of_photos_becomes_a_body(
    photos: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photos["photos.0"].parent
    options = ["--body-only", "--stages", "photos", "--seed", "5", "--out", str(tmp_path / "new")]
    assert main(["avatar", "--photos", str(folder), *options, *WHERE]) == 0
    names = {"avatar.glb", "body.json", *OF_STAGES["photos"]}
    assert {file.name for file in (tmp_path / "new").iterdir()} == names
    shown = capsys.readouterr()
    assert shown.out == f"seed 5, results in {tmp_path / 'new'}\n"
    assert "photos: 100%" in shown.err


def test_it_goes_on_from_a_stage_with_every_option(portrait: Portrait, tmp_path: Path) -> None:
    out = Path(shutil.copytree(portrait.folder, tmp_path / "out"))
    for name in (*OF_STAGES["colour"], *OF_STAGES["export"]):
        (out / name).unlink()
    options = ["--from-stage", "colour", "--stages", "colour", "--texture", "vertex", "--formats", "ply", "--no-rig"]
    assert main(["avatar", "--out", str(out), *options, *TINY, *WHERE]) == 0
    assert same(out, portrait.folder, "colour")
    assert (glb(out).images, glb(out).skins) == ([], [])
    assert (out / "avatar.ply").is_file()
    assert not (out / "avatar.obj").exists()


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ([], 1, "error: --photos names no folder with pictures (no_photos)"),
        (
            ["--from-stage", "mesh"],
            1,
            "error: stage 'photos' has left nothing to go on from: FileNotFoundError (no_stage)",
        ),
        (["--from-stage", "mesh", "--body-only"], 1, "error: the body alone has no stage 'mesh' (no_stage)"),
        (["--photos", str(Path(__file__).parent), "--model-dir", "nowhere"], 1, "MODEL_DIR=nowhere holds no weights"),
        (["--from-stage", "mesh", "--size", "100"], 2, "error: size: Input should be a multiple of 64"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], status: int, said: str
) -> None:
    assert main(["avatar", "--out", str(tmp_path / "out"), *WHERE, *options]) == status
    last = capsys.readouterr().err.rstrip("\n").splitlines()[-1]
    assert last.startswith("error: ")
    assert said in last


def test_a_folder_that_is_not_there_is_said_before_anything_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["avatar", "--photos", "nowhere", "--out", "out", "--model-dir", "nowhere"])
    assert ended.value.code == 2
    assert "argument --photos: no such folder: nowhere" in capsys.readouterr().err


def test_a_photo_that_is_no_picture_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    assert main(["avatar", "--photos", str(tmp_path), "--out", str(tmp_path / "out"), *WHERE]) == 1
    assert "error: photos.0 cannot be read as a picture" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--from-stage", "hair"], ["--stages", "hair"], ["--formats", "stl"]])
def test_what_there_is_not_is_a_wrong_command_line(options: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["avatar", "--out", "unused", *options])
    assert caught.value.code == 2


def test_check_finds_the_built_in_weights_complete_and_says_what_they_take(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "demo"]) == 0
    said = capsys.readouterr().out.partition("up2you: complete")[2]
    megabytes = dict(re.findall(r"^  (resident|low) +([\d.]+) MB at float16, ", said, re.MULTILINE))
    assert 0 < float(megabytes["low"]) < float(megabytes["resident"]) < 10
