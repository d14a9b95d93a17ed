"""Folders of people and garments, dressed without a server."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from model.__main__ import main
from model.samples.samples import small_sample
from tests.model.warp.conftest import copy_label_networks, write_random_weights
from tests.model.warp.test_spline_variants import write_tps


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """One person who can be dressed and a file that is no picture, two garments."""
    people, garments = tmp_path / "people", tmp_path / "garments"
    people.mkdir()
    garments.mkdir()
    shutil.copy(small_sample()["person"], people / "mira.png")
    (people / "broken.jpg").write_text("no picture")
    (people / "notes.txt").write_text("not even called one")
    for name in ("stripes", "other"):
        shutil.copy(small_sample()["garment"], garments / f"{name}.png")
    return {"people": people, "garments": garments, "out": tmp_path / "out"}


def test_everybody_in_a_folder_is_dressed_in_everything_and_what_fails_is_told(
    labelling_weights: Path, folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--person_dir", str(folders["people"]), "--garment-dir", str(folders["garments"])]
    rest = ["--out", str(folders["out"]), "--batch-size", "2", "--return-warped"]
    weights = ["--model-dir", str(labelling_weights), "--device", "cpu"]
    assert main(["tryon", "--engine", "warp", *where, *rest, *weights]) == 1
    names = {file.name for file in folders["out"].iterdir()}
    assert names == {f"mira_{garment}{what}.png" for garment in ("stripes", "other") for what in ("", "_warped")}
    printed = capsys.readouterr()
    assert "2 of 4 in " in printed.out
    assert printed.err.count("broken_other: ") == printed.err.count("broken_stripes: ") == 1
    with Image.open(folders["out"] / "mira_stripes.png") as result, Image.open(small_sample()["person"]) as photo:
        assert result.size == photo.size


def test_one_person_in_one_garment_needs_no_folders(labelling_weights: Path, folders: dict[str, Path]) -> None:
    pictures = ["--person", str(folders["people"] / "mira.png"), "--garment", str(folders["garments"] / "other.png")]
    assert main(["warp", *pictures, "--out", str(folders["out"]), "--model-dir", str(labelling_weights)]) == 0
    assert [file.name for file in folders["out"].iterdir()] == ["mira_other.png"]


def test_the_variant_that_dresses_a_folder_is_chosen(
    tmp_path: Path, folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "pack"
    write_random_weights(pack)
    write_tps(pack)
    copy_label_networks(pack)
    where = ["--person-dir", str(folders["people"]), "--garment", str(folders["garments"] / "other.png")]
    results = []
    for variant in ("dense", "tps"):
        out = tmp_path / variant
        words = ["tryon", "--engine", "warp", "--variant", variant, *where, "--out", str(out)]
        assert main([*words, "--model-dir", str(pack), "--device", "cpu"]) == 1  # of the file that is no picture
        with Image.open(out / "mira_other.png") as result:
            results.append(result.tobytes())
    assert results[0] != results[1]
    assert "1 of 2 in " in capsys.readouterr().out
    out = tmp_path / "none"
    words = ["warp", "--variant", "cpvton", *where, "--out", str(out), "--model-dir", str(pack), "--device", "cpu"]
    assert main(words) == 1
    assert capsys.readouterr().err.count("variant 'cpvton' is not loaded, only dense, tps") == 1
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("size", ["0", "-2"])
def test_no_pairs_at_once_is_wrong_usage(warp_weights: Path, folders: dict[str, Path], size: str) -> None:
    words = ["--person-dir", str(folders["people"]), "--garment-dir", str(folders["garments"]), "--batch-size", size]
    assert main(["warp", *words, "--out", str(folders["out"]), "--model-dir", str(warp_weights)]) == 2


def test_a_folder_without_pictures_or_with_names_that_would_clash_is_told(
    warp_weights: Path, folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(folders["garments"] / "other.png", folders["garments"] / "other.webp")
    words = ["--person-dir", str(folders["people"]), "--garment-dir", str(folders["garments"])]
    assert main(["warp", *words, "--out", str(folders["out"]), "--model-dir", str(warp_weights)]) == 1
    assert "have the same name" in capsys.readouterr().err
    words[3] = str(folders["out"].parent)
    assert main(["warp", *words, "--out", str(folders["out"]), "--model-dir", str(warp_weights)]) == 1
    assert "no pictures in" in capsys.readouterr().err
