"""From pictures to tensors, as the published code does it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from model.errors import InputError
from model.tryon.pictures import (
    black_and_white,
    crop_box,
    crop_resize,
    fit_mask,
    image_tensor,
    mask_tensor,
    pad_resize,
    picture_of,
    stack,
    tryon_tensors,
    without_masked,
)
from tests.model.tryon.drawing import array, noise, opened, rectangle, same


def test_a_mask_is_white_from_128_on() -> None:
    levels = Image.fromarray(np.array([[0, 127, 128, 255]], np.uint8))
    assert mask_tensor(levels).flatten().tolist() == [0, 0, 1, 1]
    assert np.asarray(black_and_white(levels)).flatten().tolist() == [0, 0, 255, 255]


def test_cropping_and_padding_are_the_published_ones_to_the_bit(golden: Path) -> None:
    folder = golden / "preprocess"
    for row in json.loads((folder / "preprocess.json").read_text())["resize"]:
        source, size = opened(folder / row["src"]), tuple(row["target"])
        mask = crop_resize(opened(folder / row["srcmask"]), size)
        assert same(crop_resize(source, size), folder / row["crop"])
        assert same(pad_resize(source, size), folder / row["pad"])
        assert same(mask, folder / row["maskcrop"])
        ones = mask_tensor(mask).numpy().astype(np.uint8)
        assert hashlib.sha256(ones.tobytes()).hexdigest() == row["mask_sha256"]
        assert image_tensor(crop_resize(source, size)).double().sum().item() == pytest.approx(row["image_tensor_sum"])


@pytest.mark.parametrize("name", ["person_rgba", "garment_rgba", "garment_gray"])
def test_transparent_and_grey_pictures_are_treated_as_published(golden: Path, name: str) -> None:
    picture, folder = opened(golden / f"inputs/{name}.png"), golden / "preprocess"
    facts = json.loads((folder / "preprocess.json").read_text())["modes"][name]
    assert same(pad_resize(picture, (96, 128)), folder / facts["pad_file"])
    assert same(crop_resize(picture, (96, 128)), folder / facts["crop_file"])
    assert image_tensor(picture).double().sum().item() == pytest.approx(facts["sum"])


def test_stacked_garments_are_the_earlier_containers(golden: Path) -> None:
    folder = golden / "garment_concat"
    stacked = stack(opened(folder / "upper.png"), opened(folder / "lower.png"), "black")
    assert same(stacked, folder / "concat.png")
    assert same(pad_resize(stacked, (96, 128)), folder / "concat_padded_96x128.png")


def test_half_white_is_painted() -> None:
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    assert mask_tensor(ramp).flatten().tolist() == [0.0] * 128 + [1.0] * 128


def test_a_masked_pixel_becomes_grey() -> None:
    person, mask = image_tensor(noise(4, 4)), torch.zeros(1, 1, 4, 4)
    mask[..., 2, 3] = 1
    masked = without_masked(person, mask)
    assert masked[0, :, 2, 3].tolist() == [0, 0, 0]
    masked[0, :, 2, 3] = person[0, :, 2, 3]
    assert torch.equal(masked, person)


def test_tensors_and_pictures_convert_without_loss() -> None:
    picture = noise(7, 5)
    assert (array(picture_of(image_tensor(picture)[0])) == array(picture)).all()


def test_colours_out_of_range_are_cut_off() -> None:
    assert array(picture_of(torch.tensor([-3.0, 0.0, 3.0])[:, None, None])).tolist() == [[[0, 128, 255]]]


def test_the_odd_pixel_is_cut_at_the_right_and_the_bottom() -> None:
    assert crop_box((101, 100), (1, 1)) == (0, 0, 100, 100)
    assert crop_box((100, 101), (1, 1)) == (0, 0, 100, 100)


@pytest.mark.parametrize("size", [(1, 3000), (3000, 1)])
def test_the_narrowest_pictures_still_have_a_pixel(size: tuple[int, int]) -> None:
    assert crop_resize(noise(*size), (96, 128)).size == (96, 128)
    assert pad_resize(noise(*size), (96, 128)).size == (96, 128)


@pytest.mark.parametrize(("fill", "code"), [(0, "mask_empty"), (127, "mask_empty"), (255, "mask_covers_all")])
def test_a_mask_must_paint_something_and_keep_something(fill: int, code: str) -> None:
    with pytest.raises(InputError) as caught:
        tryon_tensors(noise(30, 40), noise(30, 40), Image.new("L", (30, 40), fill), (96, 128))
    assert (caught.value.code, caught.value.field) == (code, "mask")


def test_a_mask_of_another_aspect_is_refused() -> None:
    with pytest.raises(InputError, match=r"100 x 104.*100 x 100") as caught:
        fit_mask(Image.new("L", (100, 104)), (100, 100), "white_repaints")
    assert (caught.value.code, caught.value.field) == ("bad_mask", "mask")


def test_a_mask_of_another_size_is_brought_to_the_persons() -> None:
    mask = fit_mask(rectangle(50, 50, (0, 0, 24, 49)), (200, 201), "white_repaints")
    assert mask.size == (200, 201)
    assert [mask.getpixel((x, 100)) for x in (10, 190)] == [255, 0]


def test_polarity_may_be_the_other_way_round() -> None:
    mask = rectangle(10, 10, (0, 0, 4, 9))
    inverted = fit_mask(mask, (10, 10), "black_repaints")
    assert (array(inverted) == 255 - array(mask)).all()
    assert fit_mask(mask, (10, 10), "white_repaints") is mask


@pytest.mark.parametrize(("canvas", "level"), [("white", 255), ("black", 0)])
def test_beside_a_narrow_garment_is_the_canvas(canvas: Any, level: int) -> None:
    upper, lower = Image.new("RGB", (30, 10), "red"), Image.new("RGB", (20, 15), "blue")
    stacked = stack(upper, lower, canvas)
    assert stacked.size == (30, 25)
    assert stacked.getpixel((29, 9)) == (255, 0, 0)
    assert stacked.getpixel((19, 10)) == (0, 0, 255)
    assert stacked.getpixel((20, 10)) == (level,) * 3
