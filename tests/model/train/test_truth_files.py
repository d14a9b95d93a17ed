"""Label maps and regions of both layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.train.datasets import read_examples
from model.train.errors import DataSetError
from model.train.truth_files import read_labels, truth_files
from tests.model.evaluate.data_sets import SIZE, labels, mask, palette, write_dresscode, write_vitonhd
from tests.model.tryon.drawing import noise, saved
from tests.model.tryon.labelled import LIP, SHIRT

WORN = labels(LIP) == LIP[SHIRT]


def test_a_vitonhd_garment_is_the_upper_clothes_of_the_parsing(tmp_path: Path) -> None:
    (example,) = read_examples(write_vitonhd(tmp_path, 1), "test")
    known = truth_files(example)
    region = known.region(SIZE)
    assert region is not None
    np.testing.assert_array_equal(region, WORN)
    assert (known.category, known.mask) == ("upper", example.mask)
    assert [kind for kind, file in known.maps.items() if file.is_file()] == ["lip"]


@pytest.mark.parametrize(
    ("kind", "category", "worn"), [("upper_body", "upper", 4), ("lower_body", "lower", 6), ("dresses", "overall", 7)]
)
def test_a_dresscode_garment_is_of_its_folders_kind(tmp_path: Path, kind: str, category: str, worn: int) -> None:
    (write_dresscode(tmp_path, 1) / "upper_body").rename(tmp_path / kind)
    classes = np.zeros((128, 96), np.uint8)
    classes[10:20], classes[30:40], classes[50:60] = 4, 6, 7
    saved(Image.fromarray(classes), tmp_path / kind / "label_maps/000000_4.png")
    (example,) = read_examples(tmp_path, "test")
    known = truth_files(example)
    region = known.region(SIZE)
    assert region is not None
    np.testing.assert_array_equal(region, classes == worn)
    assert known.category == category
    assert [name for name, file in known.maps.items() if file.is_file()] == ["densepose", "atr"]


def test_the_garments_own_region_and_the_masks_of_its_category_go_first(tmp_path: Path) -> None:
    (example,) = read_examples(write_vitonhd(tmp_path, 1), "test")
    for name in ("regions/00000_00.png", "agnostic-mask-upper/00000_00_mask.png"):
        (tmp_path / "test" / name).parent.mkdir()
        saved(mask(), tmp_path / "test" / name)
    known = truth_files(example)
    region = known.region(SIZE)
    assert region is not None
    np.testing.assert_array_equal(region, np.asarray(mask()) > 0)
    assert known.mask == tmp_path / "test/agnostic-mask-upper/00000_00_mask.png"


def test_labels_are_cut_and_resized_without_mixing(tmp_path: Path) -> None:
    classes = np.zeros((128, 96), np.uint8)
    classes[64:] = 18
    file = saved(palette(classes), tmp_path / "labels.png")
    np.testing.assert_array_equal(read_labels(file, SIZE), classes)
    square = read_labels(file, (48, 48))
    assert (square[:24] == 0).all()
    assert (square[24:] == 18).all()


def test_what_is_no_label_map_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"colours\.png: a label map has one channel, this picture has 3"):
        read_labels(saved(noise(8, 8), tmp_path / "colours.png"), (8, 8))
    (tmp_path / "broken.png").write_bytes(b"?")
    with pytest.raises(DataSetError, match=r"broken\.png: not a picture"):
        read_labels(tmp_path / "broken.png", (8, 8))
