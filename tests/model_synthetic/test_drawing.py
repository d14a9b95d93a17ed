"""The drawn people and garments: repeatable, at any size, and with masks that are right."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.synthetic.colour import rgb
from model.synthetic.drawing import draw_garment, draw_person
from model.synthetic.fabric import Fabric, Pattern
from model.synthetic.garment import Cut, Garment
from model.synthetic.look import Look
from model.synthetic.samples import GARMENTS, PEOPLE, SAMPLES

SMALL = (144, 192)
EVERYONE = pytest.mark.parametrize("look", PEOPLE.values(), ids=PEOPLE.keys())


def array(image: Image.Image) -> NDArray[np.int16]:
    return np.asarray(image).astype(np.int16)


def changed(one: Image.Image, other: Image.Image) -> NDArray[np.bool_]:
    return np.asarray((abs(array(one) - array(other)) > 8).any(axis=2))


def test_the_same_look_gives_the_same_pixels() -> None:
    look = PEOPLE["awa"]
    one, other = draw_person(look, SMALL), draw_person(look, SMALL)
    assert one.photo.tobytes() == other.photo.tobytes()
    assert one.upper_mask.tobytes() == other.upper_mask.tobytes()
    assert one.lower_mask.tobytes() == other.lower_mask.tobytes()


def test_people_are_told_apart() -> None:
    photos = {draw_person(look, SMALL).photo.tobytes() for look in PEOPLE.values()}
    assert len(photos) == len(PEOPLE) >= 3


@pytest.mark.parametrize("size", [(576, 768), (96, 128), (200, 128), (100, 300)])
def test_photo_and_masks_have_the_size_asked_for(size: tuple[int, int]) -> None:
    picture = draw_person(PEOPLE["mira"], size)
    assert (picture.photo.size, picture.photo.mode) == (size, "RGB")
    for mask in (picture.upper_mask, picture.lower_mask):
        assert (mask.size, mask.mode) == (size, "L")
        assert set(np.unique(array(mask))) == {0, 255}


@EVERYONE
@pytest.mark.parametrize("cut", ["tshirt", "long_sleeve"])
def test_another_top_changes_only_what_the_upper_mask_repaints(look: Look, cut: Cut) -> None:
    before = draw_person(look, SMALL)
    after = draw_person(replace(look, top=Garment(cut, Fabric("plain", rgb("#1f8a3b")))), SMALL)
    outside = changed(before.photo, after.photo) & (array(before.upper_mask) == 0)
    assert outside.mean() <= 0.003


@EVERYONE
def test_another_lower_fabric_changes_only_what_the_lower_mask_repaints(look: Look) -> None:
    before = draw_person(look, SMALL)
    after = draw_person(replace(look, bottom=replace(look.bottom, fabric=Fabric("plain", rgb("#1f8a3b")))), SMALL)
    outside = changed(before.photo, after.photo) & (array(before.lower_mask) == 0)
    assert outside.mean() <= 0.003


@EVERYONE
def test_no_mask_touches_the_face(look: Look) -> None:
    picture = draw_person(look, (576, 768))
    face = (slice(70, 140), slice(270, 306))
    assert not array(picture.upper_mask)[face].any()
    assert not array(picture.lower_mask)[face].any()


@pytest.mark.parametrize("cut", ["tshirt", "long_sleeve", "trousers", "skirt"])
def test_a_garment_lies_in_the_middle_of_white(cut: Cut) -> None:
    image = array(draw_garment(Garment(cut, Fabric("plain", rgb("#335577"))), SMALL))
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert (border >= 250).all()
    cloth = (image.sum(axis=2) < 500).nonzero()
    assert abs((cloth[0].min() + cloth[0].max()) / 2 - SMALL[1] / 2) < 0.05 * SMALL[1]
    assert abs((cloth[1].min() + cloth[1].max()) / 2 - SMALL[0] / 2) < 0.02 * SMALL[0]


@pytest.mark.parametrize("pattern", ["stripes", "dots", "checks", "gradient", "sunset", "blossoms"])
def test_every_pattern_shows_both_its_colours(pattern: Pattern) -> None:
    fabric = Fabric(pattern, rgb("#ffffff"), rgb("#c02010"), repeat=60)
    body = array(draw_garment(Garment("tshirt", fabric), (288, 384)))[120:290, 100:188]
    redness = body[..., 0] - body[..., 2]
    assert (redness > 120).mean() > 0.02
    assert (redness < 60).mean() > 0.1


def test_stripes_come_back_after_their_repeat() -> None:
    weave = Fabric("stripes", rgb("#ffffff"), rgb("#000000"), repeat=30).weave((0.0, 0.0))
    y = np.arange(0.0, 90.0)
    colours = weave(np.zeros_like(y), y, 1.0)
    np.testing.assert_allclose(colours[:60], colours[30:])
    assert colours[0].max() == 0
    assert colours[15].min() == 255


def test_a_print_is_on_the_front_and_not_on_the_sleeves() -> None:
    print_ = Fabric("sunset", rgb("#ffffff"), rgb("#c02010"), repeat=70)
    assert print_.for_sleeves().pattern == "plain"
    assert replace(print_, pattern="dots").for_sleeves().pattern == "dots"


def test_the_samples_show_every_person_and_every_garment_and_no_pair_twice() -> None:
    assert {sample.person for sample in SAMPLES} == set(PEOPLE)
    assert {sample.garment for sample in SAMPLES} == set(GARMENTS)
    assert len(set(SAMPLES)) == len(SAMPLES)


def test_drawing_needs_no_torch() -> None:
    code = "import sys, model.synthetic.drawing, model.synthetic.samples; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
