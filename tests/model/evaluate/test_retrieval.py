"""The right garment is recognised by its look, whoever wears it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from model.errors import InputError
from model.evaluate.retrieval import GROUP, description, found_among_groups, garment_pixels, nearest
from model.measures.exact_pair import Levels, Region, filled
from model.synthetic.fabrics.fabrics import Pattern
from tests.model.evaluate.flats import flat

COLOURS = ((196, 60, 52), (58, 92, 140), (226, 186, 92))
PATTERNS: tuple[Pattern, ...] = ("plain", "stripes", "gingham", "dots")


def worn(garment: Levels) -> tuple[Levels, Region]:
    """The garment's middle on somebody else's picture: smaller, darker, and cut."""
    scene = np.full((150, 120, 3), 128, np.uint8)
    region = np.zeros((150, 120), np.bool_)
    region[40:76, 30:56] = True
    scene[region] = (garment[47:83, 35:61] * 0.9).reshape(-1, 3)
    return scene, region


FLATS = [flat(pattern, colour) for pattern, colour in product(PATTERNS, COLOURS)]
NAMES = [f"{pattern} {colour}" for pattern, colour in product(PATTERNS, COLOURS)]


def test_twelve_garments_are_all_found_from_pieces_of_them_in_other_light() -> None:
    garments = [description(shirt, garment_pixels(shirt)) for shirt in FLATS]
    results = [description(*worn(shirt)) for shirt in FLATS]
    assert len(results) == GROUP
    assert found_among_groups(results, garments, NAMES).all()


def test_mean_colours_alone_do_not_tell_patterns() -> None:
    garments = [description(shirt, garment_pixels(shirt)) for shirt in FLATS]
    pieces = [worn(shirt) for shirt in FLATS]
    fills = [description(filled(scene, region, region), region) for scene, region in pieces]
    assert found_among_groups(fills, garments, NAMES).mean() < 0.6


def test_a_garment_is_the_same_at_any_size() -> None:
    large = flat("stripes", COLOURS[0], (240, 320))
    garments = [description(shirt, garment_pixels(shirt)) for shirt in FLATS]
    assert NAMES[nearest([description(large, garment_pixels(large))], garments)[0]] == NAMES[3]


def test_what_is_outside_the_region_does_not_matter() -> None:
    scene, region = worn(FLATS[0])
    other = scene.copy()
    other[:30] = (255, 0, 0)
    np.testing.assert_array_equal(description(scene, region), description(other, region))


def test_descriptions_have_unit_length_and_differ_at_most_by_two_unlike_looks() -> None:
    red, region = np.zeros((20, 20, 3), np.uint8), np.ones((20, 20), np.bool_)
    red[..., 0] = 255
    stripes = np.zeros((20, 20, 3), np.uint8)
    stripes[::4], stripes[1::4] = 255, 255
    looks = description(red, region), description(stripes, region)
    assert [np.linalg.norm(look) for look in looks] == pytest.approx([1, 1])
    assert np.linalg.norm(looks[0] - looks[1]) <= 2**0.5


def test_stripes_across_and_along_are_told_apart() -> None:
    region = np.ones((48, 48), np.bool_)
    across = np.full((48, 48, 3), 255, np.uint8)
    across[(np.arange(48) // 4 % 2).astype(bool)] = (40, 60, 120)
    along = across.transpose(1, 0, 2).copy()
    plain = filled(across, region, region)
    garments = [description(picture, region) for picture in (across, along, plain)]
    assert list(nearest(garments, garments)) == [0, 1, 2]
    assert np.linalg.norm(garments[0] - garments[1]) > 0.5


def test_a_tiny_region_has_a_look_too() -> None:
    region = np.zeros((20, 20), np.bool_)
    region[3, 4] = True
    assert np.isfinite(description(np.full((20, 20, 3), 90, np.uint8), region)).all()


def test_a_flat_pictures_garment_is_all_but_the_white_around_it() -> None:
    laid = np.full((20, 20, 3), 255, np.uint8)
    laid[5:15, 5:15] = (30, 60, 90)
    laid[8:12, 8:12] = 255  # a white print belongs to the garment
    expected = np.zeros((20, 20), np.bool_)
    expected[5:15, 5:15] = True
    np.testing.assert_array_equal(garment_pixels(laid), expected)


def test_a_garments_shadow_is_not_the_garment() -> None:
    laid = np.full((80, 60, 3), 255, np.uint8)
    laid[18:62, 18:42] = 220
    laid[20:60, 20:40] = (30, 60, 90)
    assert (laid[garment_pixels(laid)] == (30, 60, 90)).all()
    assert garment_pixels(laid).sum() == 40 * 20
    thin = np.full((80, 60, 3), 255, np.uint8)
    thin[40:42] = 0
    assert garment_pixels(thin).sum() == 2 * 60


def test_a_garment_that_touches_the_border_on_all_sides_is_found_whole() -> None:
    assert garment_pixels(np.full((6, 6, 3), 40, np.uint8)).all()


def test_the_last_group_is_filled_up_and_equal_names_count() -> None:
    looks = list(np.eye(3))
    swapped = [looks[1], looks[0], looks[2]]
    assert list(found_among_groups(looks, swapped, ["a", "b", "c"], size=2)) == [False, False, True]
    assert list(found_among_groups(looks, swapped, ["a", "a", "c"], size=2)) == [True, True, True]
    with pytest.raises(InputError, match="a group has 12 garments, there are 3"):
        found_among_groups(looks, looks, ["a", "b", "c"])


def test_regions_that_do_not_fit_are_refused() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(InputError, match="the region is empty"):
        description(picture, np.zeros((4, 4), np.bool_))
    with pytest.raises(InputError, match=r"the region is \(4, 5\)"):
        description(picture, np.ones((4, 5), np.bool_))
