"""Who is a person: the built-in networks on people, clothes that lie flat and rooms, whichever maker asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.errors import InputError
from model.perception.label_maps import LabelMaps
from model.perception.skeletons import COCO_18, Joints
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


FACE, HANDS = (10, 20), (60, 70)  # rows of the figure that is drawn below


def figure(bare: float) -> LabelMaps:
    """A figure a third of the picture wide, in a shirt, with a face and hands, so much of it bare legs."""
    atr = np.zeros((100, 90), np.uint8)
    atr[:, 30:60] = 4
    atr[slice(*FACE), 40:50] = 11
    atr[slice(*HANDS), 30:35] = 15
    atr[slice(*HANDS), 55:60] = 14
    atr[100 - round(100 * bare) :, 30:60] = 12
    return LabelMaps(np.zeros_like(atr), np.zeros_like(atr), atr)


def joints(confidence: float, above: int = 0) -> Joints:
    """Where the figure has its face and hands, or above; its feet are not in the picture."""
    found = np.zeros((18, 3))
    for place, names in (((45, 15), ("nose", "right_eye", "left_eye")), ((32, 65), ("right_wrist",))):
        for name in names:
            found[COCO_18.index(name)] = place[0], place[1] - above, confidence
    return found


@pytest.mark.parametrize(
    ("bare", "confidence", "above", "somebody"),
    [
        (0.1, None, 0, True),
        (0.0, None, 0, False),
        (0.0, 0.10, 0, True),
        (0.0, 0.05, 0, False),
        (0.03, 0.05, 0, True),
        (0.03, 0.02, 0, False),
        (0.0, 1.0, 40, False),  # wherever they lie, it is not on skin
    ],
)
def test_bare_limbs_and_joints_that_labels_bear_out_tell_of_somebody(
    bare: float, confidence: float | None, above: int, somebody: bool
) -> None:
    found = None if confidence is None else joints(confidence, above)
    assert shows_somebody(figure(bare), lambda: found) is somebody


def test_joints_are_not_asked_for_where_limbs_are_bare() -> None:
    def nobody_asks() -> Joints | None:
        raise AssertionError

    assert shows_somebody(figure(0.12), nobody_asks)


def test_how_far_away_somebody_stands_makes_no_difference() -> None:
    near = figure(0.12)
    far = LabelMaps(*(np.pad(labels, 100) for labels in (near.densepose, near.lip, near.atr)))
    assert shows_somebody(far, lambda: None)
