"""Who is a person: the built-in networks on people, clothes that lie flat and rooms, whichever maker asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.errors import InputError
from model.perception.label_maps import LabelMaps
from model.perception.skeletons import Joints
from model.samples.samples import GARMENTS
from model.train.parsing.labelled import labelled_photos
from model.train.parsing.people import make_people
from model.tryon.masker import found
from model.tryon.maskers.edits import Edits
from model.tryon.maskers.makers import Maker, MakerName
from model.tryon.maskers.opening import open_makers
from model.tryon.maskers.presence import shows_somebody
from model.weights.pack import DEMO

SIZE = 192, 256
PHOTOS = Path(__file__).parents[4] / "shared/photos"  # not ours to publish


@pytest.fixture(scope="module")
def makers() -> dict[MakerName, Maker]:
    return open_makers(DEMO, ["CPUExecutionProvider"])


def is_dressed(maker: Maker, picture: Image.Image) -> bool:
    try:
        found(maker, maker.look(picture), "upper", picture.size, Edits())
    except InputError as error:
        return error.code != "no_person"
    return True


def garments() -> Iterator[Image.Image]:
    """Those of the catalogue, and new ones on other grounds."""
    for file in sorted(GARMENTS.glob("*.webp")):
        yield Image.open(file).convert("RGB")
    for number in (21, 22, 41):
        yield Image.fromarray(labelled_photos(5, number, *SIZE)[0].photo)


def walls() -> Iterator[Image.Image]:
    for levels in ((255, 255, 255), (0, 0, 0)):
        yield Image.new("RGB", SIZE, levels)
    for number in (0, 20):
        yield Image.fromarray(labelled_photos(5, number, *SIZE)[0].photo)


@pytest.mark.parametrize("name", ["published", "pose", "parser"])
def test_only_people_are_dressed(makers: dict[MakerName, Maker], name: MakerName) -> None:
    assert [is_dressed(makers[name], picture) for picture in garments()].count(True) == 0
    assert [is_dressed(makers[name], picture) for picture in walls()].count(True) == 0
    people = make_people(4, 31, *SIZE).photos
    assert all(is_dressed(makers[name], Image.fromarray(photo)) for photo in people)


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="no photos beside the checkout")
def test_real_people_are_dressed_and_real_packshots_are_not(makers: dict[MakerName, Maker]) -> None:
    for kind, dressed in (("person", True), ("avatar", True), ("garment", False)):
        for file in sorted((PHOTOS / kind).glob("*.jpg")):
            with Image.open(file) as photo:
                seen = makers["published"].look(photo.convert("RGB"))
                assert seen.somebody is dressed, file.name


def bare(share: float) -> LabelMaps:
    """A picture of so much bare arm."""
    atr = np.zeros((100, 100), np.uint8)
    atr[: round(100 * share)] = 14
    return LabelMaps(np.zeros_like(atr), np.zeros_like(atr), atr)


@pytest.mark.parametrize(
    ("share", "confidence", "somebody"),
    [
        (0.03, None, True),
        (0.0, 0.15, True),
        (0.0, 0.13, False),
        (0.0, None, False),
        (0.02, 0.05, True),
        (0.02, 0.02, False),
    ],
)
def test_joints_are_asked_where_little_skin_is_bare(share: float, confidence: float | None, somebody: bool) -> None:
    def joints() -> Joints | None:
        assert share < 0.03
        return None if confidence is None else np.full((18, 3), confidence)

    assert shows_somebody(bare(share), joints) is somebody
