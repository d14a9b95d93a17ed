"""Data sets from one's own photos: what is kept, written and found wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from model.__main__ import main
from model.train.datasets import read_examples
from model.train.own_photos.annotating import variations
from model.train.own_photos.quality import PhotoQuality, Thresholds, quality
from model.train.truth_files import read_labels, truth_files
from tests.model.train.test_spline_training import sample_file


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a sharp photo, a blurred and dark one, and one of nobody who wears a garment that is there."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("people", "garments"):
        (folder / name).mkdir()
    photo, garment = (Image.open(sample_file(name)).convert("RGB") for name in ("mira.png", "stripes.png"))
    photo.save(folder / "people/one.png")
    photo.save(folder / "people/alone.png")
    dark = photo.filter(ImageFilter.GaussianBlur(9)).point(lambda level: level // 8)
    dark.save(folder / "people/two.png")
    for name in ("one", "two"):
        garment.save(folder / f"garments/{name}.png")
    told = ["--people", str(folder / "people"), "--garments", str(folder / "garments"), "--out", str(folder / "out")]
    assert main(["dataset", "build", *told, "--size", "96x128", "--variations", "1", "--sharpness", "20"]) == 0
    return folder / "out"


@pytest.mark.parametrize("layout", ["vitonhd", "dresscode", "vesaki"])
def test_each_layout_is_read_with_its_labels_and_nothing_is_wrong_with_it(built: Path, layout: str) -> None:
    examples = read_examples(built / layout, "train")
    assert len(examples) == 2  # the photo and a variation of it
    for example in examples:
        example.checked(["mask"])
        facts = truth_files(example)
        assert facts.category == "upper"
        for kind in ("atr", "lip", "densepose"):
            assert len(np.unique(read_labels(facts.maps[kind], (96, 128)))) > 3, kind
    assert main(["dataset", "check", str(built / layout)]) == 0


def test_what_was_left_out_is_said_with_its_measures(built: Path) -> None:
    scores = json.loads((built / "quality_scores.json").read_text())
    assert scores["one"]["kept"]
    assert not scores["two"]["kept"]
    assert not scores["two"]["passed"]["sharpness"]
    assert "alone" not in scores
    info = json.loads((built / "dataset_info.json").read_text())
    assert (info["people"], info["left_out"], info["pairs"]) == (1, 1, {"train": 2, "test": 0})
    assert json.loads((built / "augmentation_map.json").read_text()) == {"one": "one", "one-1": "one"}
    with Image.open(built / "contact_sheet.jpg") as sheet:
        assert sheet.height > 600


def test_a_photo_passes_with_three_measures_of_four() -> None:
    least = Thresholds()
    assert PhotoQuality(101, 100, 0, 300).good(least)
    assert not PhotoQuality(100, 100, 0, 300).good(least)
    assert not PhotoQuality(101, 49, 0, 300).good(least)
    assert PhotoQuality(101, 50, 0.31, 299).good(least)
    plain = Image.new("RGB", (40, 30), (90, 90, 90))
    assert quality(plain, np.zeros((30, 40), np.uint8)) == PhotoQuality(0.0, 90.0, 0.0, 30)


def test_variations_are_never_mirrored() -> None:
    photo = Image.open(sample_file("mira.png")).convert("RGB").resize((96, 128))
    levels = np.asarray(photo, np.float64)
    for other in variations(photo, 6, seed=3):
        shown = np.asarray(other, np.float64)
        alike = [np.corrcoef(shown.ravel(), one.ravel())[0, 1] for one in (levels, levels[:, ::-1])]
        assert alike[0] > alike[1]
        assert not np.array_equal(shown, levels)


def test_what_is_wrong_is_named_with_its_file(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    shutil.copytree(built / "vesaki", tmp_path / "set")
    part = tmp_path / "set/train"
    (part / "garment/one.jpg").unlink()
    Image.new("L", (96, 128)).save(part / "agnostic-mask/one_person_mask.png")
    Image.new("L", (96, 128), 99).save(part / "person-parse/one_person.png")
    capsys.readouterr()
    assert main(["dataset", "check", str(tmp_path / "set")]) == 1
    said = capsys.readouterr().out
    for words in ("one.jpg: not there", "one_person_mask.png: the mask is empty", "has label 99, there are 18"):
        assert words in said


def test_nobody_who_wears_a_garment_that_is_there_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("people/a", "garments/b"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    told = [
        "--people",
        str(tmp_path / "people"),
        "--garments",
        str(tmp_path / "garments"),
        "--out",
        str(tmp_path / "c"),
    ]
    assert main(["dataset", "build", *told]) == 1
    assert "who wears what?" in capsys.readouterr().err
