"""Layouts are read as they are written, and as they are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from model.synthetic.datasets.layouts import Record, write_dresscode, write_vitonhd
from model.train.datasets import read_examples
from model.train.errors import DataSetError
from model.train.examples import Pictures, TryOnPictures, opened
from model.tryon.pictures import TryOnTensors, tryon_tensors
from tests.model.train.small import HEIGHT, WIDTH, data_set, picture, records

SIZE = (WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def vitonhd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = data_set(tmp_path_factory.mktemp("vitonhd"))
    write_vitonhd(folder, "test", records())
    return folder


@pytest.fixture(scope="module")
def dresscode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dresscode")
    kept = [Record(f"{i:06d}", record.picture, "upper", record.other) for i, record in enumerate(records())]
    for split in ("train", "test"):
        write_dresscode(folder, split, kept)
    return folder


def prepared(folder: Path, variant: str) -> TryOnTensors:
    example = read_examples(folder, "train")[1]
    person = opened(example.other if variant == "maskfree" else example.person)
    return tryon_tensors(person, opened(example.garment), opened(example.mask), SIZE)


@pytest.mark.parametrize("layout", ["vitonhd", "dresscode"])
def test_samples_are_prepared_like_requests(layout: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(layout)
    expected = prepared(folder, "mask")
    assert expected.mask is not None
    sample = TryOnPictures([folder], "train", SIZE, "mask", masked=True).batch([1])
    assert sample.mask is not None
    assert torch.equal(sample.target, expected.person)
    assert torch.equal(sample.garment, expected.garment)
    assert torch.equal(sample.mask, expected.mask)
    assert torch.equal(sample.condition, expected.person * (1 - expected.mask))
    free = TryOnPictures([folder], "train", SIZE, "maskfree", masked=False).batch([1])
    assert torch.equal(free.condition, prepared(folder, "maskfree").person)
    assert torch.equal(free.target, sample.target)
    assert free.mask is None


def levels(file: Path) -> NDArray[Any]:
    """All 16 bits of a picture, colours last to first."""
    return np.asarray(cv2.imread(str(file), cv2.IMREAD_UNCHANGED))


def test_what_is_written_is_what_was_known(vitonhd: Path, dresscode: Path) -> None:
    known = picture(2, (30, 40, 200))
    part, upper = vitonhd / "train", dresscode / "upper_body"
    for file, labels in {
        part / "image-parse-v3/00002_00.png": known.lip,
        part / "densepose-labels/00002_00.png": known.densepose,
        upper / "label_maps/000002_4.png": known.atr,
        upper / "dense/000002_5.png": known.densepose,
        upper / "label_maps_lip/000002.png": known.lip,
    }.items():
        with Image.open(file) as stored:
            assert stored.mode == "P"
            assert np.array_equal(np.asarray(stored), labels), file
    for folder, stem in ((part, "00002_00"), (upper, "000002")):
        normals = levels(folder / f"normals/{stem}.png")[..., ::-1]
        assert normals.dtype == np.uint16
        seen = known.alpha.point(lambda level: level > 0)
        assert np.allclose((normals[np.asarray(seen, bool)] / 32767.5) - 1, (0.6, 0, 0.8), atol=1e-4)
        assert (normals[0, 0] == 0).all()
        depths = levels(folder / f"depths/{stem}.png")
        assert np.allclose(depths / 1000, known.depths, atol=5e-4)
        with Image.open(folder / f"regions/{stem}.png") as region:
            assert np.array_equal(np.asarray(region) > 0, known.regions["upper"])
    said = json.loads((part / "openpose_json/00002_00_keypoints.json").read_text())
    assert np.allclose(np.reshape(said["people"][0]["pose_keypoints_2d"], (18, 3)), known.keypoints)


def test_masks_of_all_categories_are_there(vitonhd: Path, dresscode: Path) -> None:
    def covered(file: Path) -> NDArray[np.bool_]:
        with Image.open(file) as mask:
            return np.asarray(mask.convert("L")) > 0

    shirt = picture(0, (1, 2, 3)).regions["upper"]
    for category in ("upper", "lower", "overall", "inner", "outer"):
        mask = covered(vitonhd / f"train/agnostic-mask-{category}/00000_00_mask.png")
        assert np.array_equal(mask, covered(dresscode / f"upper_body/agnostic_masks_{category}/000000_0.png"))
        assert mask[shirt].all() == (category in ("upper", "overall", "inner"))


def test_test_lists_are_unpaired_and_read_as_pairs_on_demand(vitonhd: Path, dresscode: Path) -> None:
    for folder in (vitonhd, dresscode):
        paired = read_examples(folder, "test")
        unpaired = read_examples(folder, "test", "unpaired")
        assert [example.person for example in paired] == [example.person for example in unpaired]
        garments = [example.garment for example in paired]
        assert [example.garment for example in unpaired] == garments[1:] + garments[:1]


def test_published_lists_with_tabs_and_a_third_column_are_read(dresscode: Path, tmp_path: Path) -> None:
    (tmp_path / "dresses").mkdir()
    (tmp_path / "dresses/train_pairs.txt").write_text("020714_0.jpg\t020714_1.jpg\t2\n\n")
    (example,) = read_examples(tmp_path, "train")
    assert example.mask == tmp_path / "dresses/agnostic_masks/020714_0.png"


def test_a_folder_of_pictures_is_enough_for_an_autoencoder(vitonhd: Path, tmp_path: Path) -> None:
    Image.new("RGB", (100, 80), (10, 20, 30)).save(tmp_path / "a.png")
    assert Pictures([tmp_path], "train", SIZE).batch([0]).shape == (1, 3, HEIGHT, WIDTH)
    assert len(Pictures([vitonhd, tmp_path], "train", SIZE)) == 4 * 3 + 1


@pytest.mark.parametrize("name", ["image", "cloth", "agnostic-mask"])
def test_an_absent_file_is_named(tmp_path: Path, name: str) -> None:
    data_set(tmp_path)
    file = sorted((tmp_path / "train" / name).iterdir())[2]
    file.unlink()
    with pytest.raises(DataSetError, match=f"{file}: no such file"):
        TryOnPictures([tmp_path], "train", SIZE, "mask", masked=True)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    data_set(tmp_path)
    file = tmp_path / "train/cloth/00001_00.jpg"
    file.write_bytes(b"no picture")
    with pytest.raises(DataSetError, match=f"{file}: cannot be read as a picture"):
        TryOnPictures([tmp_path], "train", SIZE, "mask", masked=True).batch([1])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "neither VITON-HD"),
        ({"train/image/a.jpg": ""}, r"train_pairs_paired\.txt: no such file"),
        ({"train/image/a.jpg": "", "train_pairs.txt": "\n"}, "are empty"),
        (
            {"train/image/a.jpg": "", "train_pairs.txt": "a.jpg b.jpg\na.jpg\n"},
            r"train_pairs\.txt:2: expected a person",
        ),
        ({"dresses/images/a.jpg": ""}, r"dresses/train_pairs\.txt: no such file"),
    ],
)
def test_a_folder_without_lists_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(DataSetError, match=said):
        read_examples(tmp_path, "train")
