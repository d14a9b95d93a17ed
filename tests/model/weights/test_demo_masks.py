"""The demo pack finds masks: its trained networks on made-up people whom they have never seen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
from PIL import Image

from model.engines.pack import EnginePack
from model.perception.label_maps import LabelMaps
from model.perception.overlap import mask_iou
from model.train.parsing.people import ParsedPeople, make_people
from model.tryon.automask import agnostic_mask
from model.tryon.masker import Masker
from model.tryon.request import Category
from tests.model.devices import cpu_device
from tests.model.tryon.drawing import array


@pytest.fixture(scope="module")
def people() -> ParsedPeople:
    """One for each place of clothes; other seeds than the networks' people."""
    return make_people(3, seed=2026, width=192, height=256)


@pytest.fixture(scope="module")
def masker(runner: asyncio.Runner) -> Iterator[Masker]:
    with cpu_device() as device:
        yield Masker(EnginePack("demo").folder, device)


@pytest.mark.parametrize("category", ["upper", "lower", "overall"])
def test_masks_are_nearly_those_of_the_true_labels(
    category: str, people: ParsedPeople, masker: Masker, runner: asyncio.Runner
) -> None:
    kind = cast(Category, category)
    overlaps = []
    for photo, labels in zip(people.photos, people.labels, strict=True):
        found = array(runner.run(masker(Image.fromarray(photo), kind)).mask) > 0
        true = agnostic_mask(LabelMaps(*(np.ascontiguousarray(plane) for plane in labels)), kind) > 0
        overlaps.append(mask_iou(found, true))
    assert np.mean(overlaps) > 0.8
