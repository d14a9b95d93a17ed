"""The part of a photo that is painted follows mask and person, and is the published one wherever that serves."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from model.tryon.crop import (
    LEAST_HEIGHT,
    MASK_GROWTH,
    box_of,
    chosen_box,
    keeps_centre,
    person_by_mask,
    person_in,
    share_outside,
)
from model.tryon.pictures import Box, crop_box, crop_resize, cut
from model.tryon.repaint import paste_back
from model.tryon.request import PersonCrop
from tests.model.tryon.drawing import array, noise, rectangle

TARGET = (96, 128)
LANDSCAPE = (1280, 512)


def contains(outer: Box, inner: Box) -> bool:
    return all(o <= i for o, i in zip(outer[:2], inner[:2], strict=True)) and all(
        o >= i for o, i in zip(outer[2:], inner[2:], strict=True)
    )


def aspect(box: Box) -> float:
    return (box[2] - box[0]) / (box[3] - box[1])


@pytest.mark.parametrize(
    ("photo", "mask", "person"),
    [
        ((384, 512), (100, 100, 280, 300), (90, 20, 300, 500)),
        ((384, 512), (0, 200, 384, 512), (0, 20, 384, 512)),  # to the borders, beyond which there is nothing
        ((768, 512), (300, 100, 470, 300), (250, 0, 500, 512)),
        ((500, 900), (60, 300, 440, 560), (50, 120, 450, 780)),
    ],
)
def test_auto_is_the_centred_box_for_photos_that_went_well(photo: tuple[int, int], mask: Box, person: Box) -> None:
    assert chosen_box("auto", photo, TARGET, mask, person) == crop_box(photo, TARGET)


def test_the_centred_box_is_kept_up_to_the_grown_mask_and_the_least_height() -> None:
    photo = (600, 400)
    left, top, right, bottom = crop_box(photo, TARGET)  # 300 x 400
    room = round(MASK_GROWTH / 2 * 200)
    high = round(LEAST_HEIGHT * (bottom - top))
    touching = (left + room, 100, left + room + 200, 300)
    assert keeps_centre(photo, TARGET, touching, high)
    assert not keeps_centre(photo, TARGET, (touching[0] - 1, 100, touching[2] - 1, 300), high)
    assert not keeps_centre(photo, TARGET, touching, high - 1)
    assert right - left == 300


@pytest.mark.parametrize("x", [0, 300, 896])
def test_a_person_at_the_side_of_a_landscape_is_wholly_in_the_box(x: int) -> None:
    mask, person = (x + 80, 120, x + 300, 330), (x + 60, 10, x + 320, 512)
    box = chosen_box("auto", LANDSCAPE, TARGET, mask, person)
    assert contains(box, mask)
    assert contains(box, person)
    assert contains((0, 0, *LANDSCAPE), box)
    assert aspect(box) == pytest.approx(0.75, abs=0.005)


def test_outstretched_arms_make_a_box_beyond_the_photo() -> None:
    mask, person = (300, 100, 900, 300), (290, 10, 910, 500)
    box = chosen_box("auto", LANDSCAPE, TARGET, mask, person)
    assert contains(box, mask)
    assert box[1] < 0
    assert box[3] > LANDSCAPE[1]
    assert aspect(box) == pytest.approx(0.75, abs=0.005)


def test_a_small_person_is_seen_from_near() -> None:
    photo, person = (900, 1200), (420, 500, 500, 700)
    box = chosen_box("auto", photo, TARGET, (430, 540, 490, 620), person)
    assert contains(box, person)
    assert (box[3] - box[1]) < 1.3 * 200
    assert crop_box(photo, TARGET) != box


def test_the_box_holds_what_of_the_mask_reaches_beyond_the_person() -> None:
    mask = (300, 560, 500, 690)
    assert contains(chosen_box("auto", (900, 1200), TARGET, mask, (420, 500, 500, 700)), mask)


def test_a_box_of_the_person_has_the_margin_asked_for() -> None:
    photo, person = (900, 1200), (300, 300, 600, 700)  # wide enough: 3 : 4 exactly
    left, top, right, bottom = chosen_box(PersonCrop(person=0.2), photo, TARGET, (400, 400, 500, 500), person)
    assert (left, top, right, bottom) == (240, 220, 660, 780)
    assert chosen_box("centre", photo, TARGET, (0, 0, 10, 10), person) == crop_box(photo, TARGET)


def test_without_labels_a_person_is_taken_to_be_three_times_as_high_as_the_mask() -> None:
    assert person_by_mask((100, 400, 200, 500), (300, 1000)) == (100, 300, 200, 600)
    assert person_by_mask((100, 50, 200, 150), (300, 200)) == (100, 0, 200, 200)


def test_of_several_people_the_one_under_the_mask_counts() -> None:
    labels = np.zeros((64, 96), np.uint8)
    labels[10:60, 5:45] = 2  # larger
    labels[20:60, 60:80] = 2
    labels[2, 90] = 2  # a speck
    labels[40:50, 62:64] = 0  # a strap
    mask = rectangle(192, 128, (130, 60, 150, 90))
    assert person_in(labels > 0, mask, (192, 128)) == (120, 40, 160, 120)
    assert person_in(labels > 0, Image.new("L", (192, 128)), (192, 128)) == (10, 20, 90, 120)
    assert person_in(labels > 9, mask, (192, 128)) is None


def test_the_share_of_the_mask_outside_is_counted() -> None:
    mask = rectangle(100, 100, (0, 0, 99, 49))
    assert share_outside(mask, (0, 0, 100, 100)) == 0
    assert share_outside(mask, (25, -10, 100, 100)) == pytest.approx(0.25)
    assert share_outside(Image.new("L", (100, 100)), (0, 0, 1, 1)) == 0


def test_beyond_the_photo_its_border_goes_on() -> None:
    photo = noise(8, 6)
    padded = array(cut(photo, (-2, -3, 10, 7)))
    assert padded.shape == (10, 12, 3)
    assert (padded[3:9, 2:10] == array(photo)).all()
    assert (padded[:3, 2:10] == array(photo)[0]).all()
    assert (padded[:, :2] == padded[:, 2:3]).all()
    assert array(cut(rectangle(8, 6, (0, 0, 3, 5)), (-2, 0, 8, 6))).shape == (6, 10)
    assert (array(cut(photo, (1, 1, 5, 5))) == array(photo)[1:5, 1:5]).all()


def test_what_is_painted_in_a_box_comes_back_to_its_place() -> None:
    photo = noise(400, 160)
    mask = rectangle(400, 160, (20, 20, 139, 139))
    for box in ((0, 0, 120, 160), (-20, -27, 141, 187)):
        painted = crop_resize(photo, (box[2] - box[0], box[3] - box[1]), box)
        unchanged = array(paste_back(photo, painted, mask, 10**9, box)).astype(int)
        assert np.abs(unchanged - array(photo)).max() <= 1  # the published blend rounds down
        red = array(paste_back(photo, Image.new("RGB", painted.size, "red"), mask, 10**9, box))
        assert (red[40:120, 40:120] == [255, 0, 0]).all()
        assert (red[:, 170:] == array(photo)[:, 170:]).all()


def test_a_shrunk_photo_is_painted_in_the_same_place() -> None:
    photo, mask = Image.new("RGB", (800, 320)), rectangle(800, 320, (40, 40, 239, 239))
    pasted = paste_back(photo, Image.new("RGB", (96, 128), "red"), mask, 64_000, (0, 0, 240, 320))
    assert pasted.size == (400, 160)
    assert pasted.getpixel((70, 70)) == (255, 0, 0)
    assert pasted.getpixel((130, 70)) == (0, 0, 0)


def test_an_empty_mask_has_no_box() -> None:
    assert box_of(Image.new("L", (4, 4), 127)) is None
    assert box_of(rectangle(10, 10, (2, 3, 5, 6))) == (2, 3, 6, 7)
