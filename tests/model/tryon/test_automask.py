"""The agnostic mask from label maps."""

from __future__ import annotations

import json
import random
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image

from model.perception.label_maps import LabelMaps
from model.tryon.automask import agnostic_mask
from model.tryon.request import Category
from tests.model.catvton.replay import pixels
from tests.model.conftest import GOLDEN
from tests.model.tryon.labelled import (
    ARM,
    ATR,
    DENSEPOSE,
    FACE,
    HAND,
    LIP,
    SHIRT,
    SHOE,
    TROUSERS,
    draw_labelled,
    where,
)

AUTOMASK = GOLDEN / "automask"
# The recorded runs used another OpenCV, whose hulls and blur differ by this many pixels at most.
PIXELS = 41


def recorded() -> list[dict[str, Any]]:
    file = AUTOMASK / "automask.json"
    return json.loads(file.read_text()) if file.is_file() else []


def maps_of(row: dict[str, Any]) -> LabelMaps:
    return LabelMaps(*(pixels(AUTOMASK / row[name]) for name in ("densepose", "lip", "atr")))


@pytest.mark.parametrize("row", recorded(), ids=lambda row: f"{row['i']}_{row['part']}")
def test_every_recorded_mask_agrees(row: dict[str, Any]) -> None:
    mask = agnostic_mask(maps_of(row), row["part"])
    assert mask.shape == (row["size"][1], row["size"][0])
    if row["mask"] is None:  # the published code cannot do sizes that four does not divide
        assert 0.05 < mask.mean() < 0.95
    else:
        assert np.count_nonzero(mask != pixels(AUTOMASK / row["mask"]) // 255) <= PIXELS


# -- by content, on a drawn person ----------------------------------------------------------------------------------


def labelled(size: tuple[int, int]) -> tuple[Image.Image, LabelMaps]:
    photo = draw_labelled(size)
    maps = []
    for names in (DENSEPOSE, LIP, ATR):
        labels = np.zeros(size[::-1], np.uint8)
        for colour, name in names.items():
            labels[where(photo, colour)] = name
        maps.append(labels)
    return photo, LabelMaps(*maps)


COVERED = {
    "upper": {SHIRT: True, ARM: True, TROUSERS: False, FACE: False, HAND: False, SHOE: False},
    "lower": {TROUSERS: True, SHIRT: False, ARM: False, FACE: False, HAND: False, SHOE: False},
    "overall": {SHIRT: True, ARM: True, TROUSERS: True, FACE: False, HAND: False, SHOE: False},
    "inner": {SHIRT: True, TROUSERS: False, FACE: False, HAND: False, SHOE: False},
    "outer": {ARM: True, TROUSERS: False, FACE: False, HAND: False, SHOE: False},
}


@pytest.mark.parametrize("category", get_args(Category))
@pytest.mark.parametrize("size", [(96, 128), (402, 512), (771, 1021)])
def test_a_mask_covers_the_garment_and_spares_the_rest(category: Category, size: tuple[int, int]) -> None:
    photo, maps = labelled(size)
    mask = agnostic_mask(maps, category)
    for colour, covered in COVERED[category].items():
        share = mask[where(photo, colour)].mean()
        assert share > 0.95 if covered else share < 0.3, (colour, share)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 249), (402, 1)])
def test_no_size_is_too_small_or_too_odd(size: tuple[int, int]) -> None:
    shape = size[::-1]
    body, clothes = np.full(shape, 1, np.uint8), np.full(shape, 5, np.uint8)
    mask = agnostic_mask(LabelMaps(body, clothes, np.full(shape, 4, np.uint8)), "upper")
    assert mask.shape == shape
    assert mask.all()


def global_generators() -> tuple[Any, ...]:
    numpys: Any = np.random.get_state(legacy=False)
    return random.getstate(), numpys["state"]["key"].tolist(), torch.get_rng_state().tolist()


def test_nothing_global_is_seeded_or_drawn_from() -> None:
    before = global_generators()
    agnostic_mask(labelled((96, 128))[1], "upper")
    assert global_generators() == before
