"""The mask makers on files of the published kinds: chosen by what is there, alike in what they paint and leave."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.errors import InputError, WeightsError
from model.perception.label_maps import LabelMaps
from model.perception.label_tables import ATR_TO_LIP, FASHN_TO_ATR, FASHN_TO_DENSEPOSE, FASHN_TO_LIP, renamed
from model.runtime.device import Device, open_device
from model.tryon.masker import Found, Masker
from model.tryon.maskers.edits import Edits, edited
from model.tryon.maskers.makers import MakerName, fitted
from model.tryon.maskers.people import largest_person
from model.tryon.request import Category
from tests.model.perception.networks import write_colours
from tests.model.perception.pose_networks import write_blaze
from tests.model.tryon.labelled import (
    ARM,
    ATR,
    FACE,
    HAIR,
    HAND,
    LIP,
    SHIRT,
    SHOE,
    TROUSERS,
    WALL,
    draw_labelled,
    where,
    write_networks,
)

FASHN = {WALL: 0, HAIR: 2, FACE: 1, SHIRT: 3, ARM: 12, HAND: 13, TROUSERS: 6, SHOE: 15}
NORMAL: dict[str, Any] = {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.4)}
# Where the drawn person's joints are, of a picture of 96 x 128, in BlazePose's numbering.
JOINTS = {
    11: (70, 34),
    12: (25, 34),
    13: (71, 48),
    14: (24, 48),
    15: (71, 62),
    16: (24, 62),
    23: (56, 68),
    24: (40, 68),
}


def write_one_parser(weights: Path, labels: str, names: dict[tuple[int, int, int], int]) -> None:
    """`parsing.onnx` of 18 classes with open sizes, as segformer's and FASHN's files are, and its sidecar."""
    colours: dict[int, list[float]] = {}
    for colour, name in names.items():
        colours.setdefault(name, [level / 255 for level in colour])
    file = write_colours(
        weights / "perception/parsing.onnx",
        colours,
        input_name="pixel_values",
        shape=("batch", 3, "height", "width"),
        output_names=["logits"],
        used=0,
        classes=18,
        stated_classes="classes",
        **NORMAL,
    )
    told = {"geometry": "stretch", "size": [192, 128], "channel_order": "RGB", "labels": labels, **NORMAL}
    file.with_suffix(".json").write_text(json.dumps(told))


def write_pose(weights: Path) -> None:
    """BlazePose that has learnt where the drawn person's joints are within the person's box."""
    write_blaze(weights / "perception/pose.onnx", learnt_points(), 0.99)


def learnt_points() -> np.ndarray:
    """What it says of them, (39, 5)."""
    left, top, right, bottom = 20, 6, 76, 120
    reach = 1.25 * max(right - left, bottom - top) / 256
    points = np.zeros((39, 5))
    points[:, 3] = -20
    for joint, (x, y) in JOINTS.items():
        points[joint, :2] = (np.array([x, y]) - ((left + right) / 2, (top + bottom) / 2)) / reach + 128
        points[joint, 3] = 20
    return points


@pytest.fixture(scope="module")
def device() -> Device:
    return open_device("cpu")


def found(masker: Masker, photo: Image.Image, category: Category = "upper", **more: Any) -> Found:
    with asyncio.Runner() as runner:
        return runner.run(masker(photo, category, **more))


def levels(found: Found) -> NDArray[np.uint8]:
    return np.asarray(found.mask)


PHOTO = draw_labelled((384, 512))


def assert_upper_is_painted(mask: NDArray[np.uint8], least: float = 0.9) -> None:
    assert (mask[where(PHOTO, SHIRT)] == 255).mean() > least
    assert (mask[where(PHOTO, ARM)] == 255).mean() > 0.7
    for kept in (FACE, TROUSERS, HAND):
        assert (mask[where(PHOTO, kept)] == 0).mean() > 0.75, kept


@pytest.mark.parametrize(("labels", "names"), [("fashn", FASHN), ("atr", ATR)])
def test_one_parser_is_enough(tmp_path: Path, device: Device, labels: str, names: dict[Any, int]) -> None:
    write_one_parser(tmp_path, labels, names)
    masker = Masker(tmp_path, device)
    assert list(masker.makers) == ["parser"]
    upper = found(masker, PHOTO)
    assert (upper.maker, upper.alone, upper.mask.size) == ("parser", True, PHOTO.size)
    assert_upper_is_painted(levels(upper))
    lower = levels(found(masker, PHOTO, "lower"))
    assert (lower[where(PHOTO, TROUSERS)] == 255).mean() > 0.9
    assert (lower[where(PHOTO, SHIRT)] == 0).mean() > 0.85


def test_hands_are_kept_by_a_pose_or_as_the_ends_of_arms(tmp_path: Path, device: Device) -> None:
    write_one_parser(tmp_path, "atr", ATR)
    hands = where(PHOTO, HAND)
    assert (levels(found(Masker(tmp_path, device), PHOTO, wanted="parser"))[hands] == 0).mean() > 0.85
    write_pose(tmp_path)
    assert (levels(found(Masker(tmp_path, device), PHOTO, wanted="parser"))[hands] == 0).mean() > 0.85


def test_a_parser_and_a_pose_make_ootdiffusions_mask(tmp_path: Path, device: Device) -> None:
    write_one_parser(tmp_path, "fashn", FASHN)
    write_pose(tmp_path)
    masker = Masker(tmp_path, device)
    assert list(masker.makers) == ["pose", "parser"]
    assert found(masker, PHOTO).maker == "pose"
    mask = levels(found(masker, PHOTO))
    assert (mask[where(PHOTO, SHIRT)] == 255).mean() > 0.95
    assert (mask[where(PHOTO, FACE)] == 0).mean() > 0.95
    assert (mask[where(PHOTO, TROUSERS)] == 0).mean() > 0.95
    assert (mask[where(PHOTO, ARM)] == 255).mean() > 0.95
    fingers = where(PHOTO, HAND) & (np.mgrid[:512, :384][0] > 290)
    assert (mask[fingers] == 0).mean() > 0.9


def test_all_files_make_the_published_mask_first_and_an_engine_may_prefer_another(
    tmp_path: Path, device: Device
) -> None:
    write_networks(tmp_path)
    write_pose(tmp_path)
    assert list(Masker(tmp_path, device).makers) == ["published", "pose", "parser"]
    assert found(Masker(tmp_path, device), PHOTO).maker == "published"
    assert found(Masker(tmp_path, device, ("pose", "published", "parser")), PHOTO).maker == "pose"
    assert_upper_is_painted(levels(found(Masker(tmp_path, device), PHOTO)))


@pytest.mark.parametrize("size", [(512, 384), (320, 512), (384, 512), (768, 1024), (97, 131)])
def test_the_pose_makers_mask_lies_on_the_photo_whatever_its_aspect(
    tmp_path: Path, device: Device, size: tuple[int, int]
) -> None:
    write_one_parser(tmp_path, "fashn", FASHN)
    write_pose(tmp_path)
    photo = draw_labelled(size)
    mask = found(Masker(tmp_path, device), photo, wanted="pose").mask
    assert mask.size == size
    assert (np.asarray(mask)[where(photo, SHIRT)] == 255).mean() > 0.9
    assert (np.asarray(mask)[where(photo, FACE)] == 0).mean() > 0.85


def test_a_photo_of_the_aspect_fills_what_the_pose_maker_sees() -> None:
    assert fitted(Image.new("RGB", (768, 1024)))[1] == (0, 0, 384, 512)
    picture, part = fitted(Image.new("RGB", (1000, 1000), WALL))
    assert (picture.size, part) == ((384, 512), (0, 64, 384, 448))
    assert picture.getpixel((10, 10)) == WALL


@pytest.mark.parametrize(
    ("category", "wanted", "code", "field", "said"),
    [
        ("outer", None, "category_unanswered", "category", "'pose', 'parser' cannot tell what category 'outer' needs"),
        ("inner", "pose", "category_unanswered", "category", "'pose' cannot tell"),
        ("upper", "published", "no_automask", "masker", "it needs perception/densepose.onnx, perception/parsing_lip"),
    ],
)
def test_what_cannot_be_answered_is_said(
    tmp_path: Path, device: Device, category: Category, wanted: MakerName | None, code: str, field: str, said: str
) -> None:
    write_one_parser(tmp_path, "fashn", FASHN)
    write_pose(tmp_path)
    with pytest.raises(InputError, match=said) as caught:
        found(Masker(tmp_path, device), PHOTO, category, wanted=wanted)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert found(Masker(tmp_path, device), PHOTO, "inner").maker == "parser"


def test_a_parser_must_say_what_its_classes_are_called(tmp_path: Path, device: Device) -> None:
    write_one_parser(tmp_path, "lip", LIP | {SHOE: 17})
    with pytest.raises(WeightsError, match=r"parsing\.onnx: labels are 'lip', expected 'atr' or 'fashn'"):
        Masker(tmp_path, device)


@pytest.mark.parametrize(("labels", "names"), [("fashn", FASHN), ("atr", ATR)])
@pytest.mark.parametrize(("wanted", "posed"), [("pose", True), ("parser", True), ("parser", False)])
def test_nobody_and_a_garment_alone_are_no_person(
    tmp_path: Path, device: Device, wanted: MakerName, posed: bool, labels: str, names: dict[Any, int]
) -> None:
    write_networks(tmp_path)
    write_one_parser(tmp_path, labels, names)
    if posed:
        write_pose(tmp_path)
    masker = Masker(tmp_path, device)
    packshot = Image.new("RGB", (96, 128), WALL)
    packshot.paste(SHIRT, (20, 20, 76, 100))
    for picture in (Image.new("RGB", (96, 128), WALL), packshot):
        with pytest.raises(InputError) as caught:
            found(masker, picture, wanted=wanted)
        assert (caught.value.code, caught.value.field) == ("no_person", "person")


# -- several people ----------------------------------------------------------------------------------------------


def company(small: tuple[int, int] = (72, 96)) -> Image.Image:
    """The person, and a smaller one to the right."""
    photo = Image.new("RGB", (224, 160), WALL)
    photo.paste(draw_labelled((120, 160)), (0, 0))
    photo.paste(draw_labelled(small), (140, 40))
    return photo


@pytest.mark.parametrize("wanted", ["published", "parser"])
def test_the_largest_person_is_dressed_and_nobody_else_is_touched(
    tmp_path: Path, device: Device, wanted: MakerName
) -> None:
    write_networks(tmp_path)
    photo = company()
    upper = found(Masker(tmp_path, device), photo, wanted=wanted)
    mask = levels(upper)
    assert not upper.alone
    shirt = where(photo, SHIRT)
    assert (mask[:, :125][shirt[:, :125]] == 255).mean() > 0.9
    assert not mask[10:150, 140:].any()


def test_a_small_passer_by_is_not_worth_a_warning_and_not_touched_either(tmp_path: Path, device: Device) -> None:
    write_networks(tmp_path)
    upper = found(Masker(tmp_path, device), company((30, 40)))
    assert upper.alone
    assert not levels(upper)[10:150, 140:].any()


def test_parts_that_labels_leave_apart_are_of_one_person() -> None:
    """Arms, hands and shoes of the drawn person touch nothing."""
    atr = np.zeros((128, 96), np.uint8)
    for colour, name in ATR.items():
        atr[where(draw_labelled(), colour)] = name
    maps = LabelMaps(np.zeros_like(atr), renamed(atr, ATR_TO_LIP), atr)
    person = largest_person(maps)
    assert person is not None
    assert person.alone
    assert (person.maps.atr == atr).all()


# -- tables ------------------------------------------------------------------------------------------------------


def test_one_parsers_classes_become_the_others() -> None:
    fashn = np.arange(18, dtype=np.uint8)[None]
    assert renamed(fashn, FASHN_TO_ATR)[0, [1, 3, 6, 12, 13, 15, 16, 17]].tolist() == [11, 4, 6, 14, 14, 9, 0, 0]
    assert renamed(fashn, FASHN_TO_LIP)[0, [1, 3, 4, 5, 6, 13, 17]].tolist() == [13, 5, 6, 12, 9, 14, 3]
    assert renamed(fashn, FASHN_TO_DENSEPOSE)[0, [2, 12, 13, 14, 15, 16]].tolist() == [0, 15, 3, 7, 5, 1]
    assert renamed(fashn, ATR_TO_LIP)[0].tolist() == [0, 1, 2, 4, 5, 12, 9, 6, 9, 18, 19, 13, 16, 17, 14, 15, 3, 11]


# -- edits -------------------------------------------------------------------------------------------------------


def l_shape() -> NDArray[np.bool_]:
    mask = np.zeros((100, 80), np.bool_)
    mask[20:80, 20:30] = mask[70:80, 20:60] = True
    return mask


def nothing() -> LabelMaps:
    plane = np.zeros((100, 80), np.uint8)
    return LabelMaps(plane, plane, plane)


def test_a_mask_grows_and_shrinks_by_shares_of_the_height() -> None:
    mask = np.zeros((100, 80), np.bool_)
    mask[40:60, 30:50] = True
    grown = edited(mask, Edits(grow=0.05), nothing())
    assert (grown.any(1).sum(), grown.any(0).sum()) == (30, 30)
    shrunk = edited(mask, Edits(grow=-0.05), nothing())
    assert (shrunk.any(1).sum(), shrunk.any(0).sum()) == (10, 10)
    assert (edited(mask, Edits(), nothing()) == mask).all()


def test_a_mask_may_be_convex_or_a_box() -> None:
    mask = l_shape()
    hull, box = edited(mask, Edits(shape="hull"), nothing()), edited(mask, Edits(shape="box"), nothing())
    assert mask.sum() < hull.sum() < box.sum()
    assert (hull & ~box).sum() == 0
    assert box.sum() == 60 * 40
    assert not hull[25, 55]
    empty = np.zeros_like(mask)
    assert not edited(empty, Edits(shape="hull"), nothing()).any()
    assert not edited(empty, Edits(shape="box"), nothing()).any()


@pytest.mark.parametrize(
    ("part", "classes"), [("face", (0, 13, 11)), ("hair", (0, 2, 2)), ("hands", (3, 0, 0)), ("shoes", (0, 18, 9))]
)
def test_what_is_kept_is_left_out_however_the_mask_grows(part: Any, classes: tuple[int, int, int]) -> None:
    planes = [np.zeros((100, 80), np.uint8) for _ in range(3)]
    for plane, name in zip(planes, classes, strict=True):
        plane[50:60, 30:40] = name
    mask = edited(l_shape(), Edits(grow=0.1, shape="box", keep=(part,)), LabelMaps(*planes))
    assert not mask[50:60, 30:40].any()
    assert mask[45, 35]
