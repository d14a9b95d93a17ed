"""Fabrics: their colours, their averages over pixels, and where they lie on a garment."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from model.clothes.cloth_coordinates import cloth_coordinates, on_sleeve
from model.synthetic.fabrics.fabrics import Fabric, Pattern, random_fabric
from model.synthetic.fabrics.footprints import footprints
from model.synthetic.fabrics.motifs import MOTIFS
from tests.model.synthetic.made_buffers import naked

RED, BLUE, WHITE = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8), (1.0, 1.0, 1.0)
COLOURS = (RED, BLUE, WHITE)


def sheet(fabric: Fabric, pixels: int, metres: float = 0.6) -> np.ndarray:
    """(pixels, pixels, 3), a square of cloth around the pattern's origin, seen flat."""
    pixel = metres / pixels
    line = ((np.arange(pixels) + 0.5) * pixel - metres / 2).astype(np.float32)
    u, v = np.meshgrid(line + np.float32(fabric.origin[0]), np.float32(fabric.origin[1]) - line)
    return fabric.colours_at(u.ravel(), v.ravel(), pixel).reshape(pixels, pixels, 3)


@pytest.mark.parametrize("kind", get_args(Pattern))
def test_every_kind_gives_float32_colours_between_its_own(kind: Pattern) -> None:
    picture = sheet(Fabric(kind, COLOURS, scale=0.12), 64)
    assert picture.dtype == np.float32
    assert picture.min() >= 0.1 - 1e-6
    assert picture.max() <= 1.0
    assert (kind == "plain") == (np.ptp(picture, axis=(0, 1)).max() < 1e-6)


@pytest.mark.parametrize("kind", get_args(Pattern))
def test_a_coarse_picture_is_the_mean_of_a_fine_one(kind: Pattern) -> None:
    fabric = Fabric(kind, COLOURS, scale=0.12, origin=(0.03, 0.02))
    coarse, fine = sheet(fabric, 60), sheet(fabric, 600)
    means = fine.reshape(60, 10, 60, 10, 3).mean((1, 3))
    assert np.abs(coarse - means).mean() < 0.02


@pytest.mark.parametrize("kind", ["stripes", "gingham", "tartan", "dots", "scatter"])
def test_a_pattern_finer_than_pixels_becomes_one_even_colour(kind: Pattern) -> None:
    fabric = Fabric(kind, COLOURS, scale=0.05, angle=0.3)
    far = sheet(fabric, 24, metres=2.4)
    near = sheet(fabric, 512, metres=1.0)
    assert far.std((0, 1)).max() < 0.06
    np.testing.assert_allclose(far.mean((0, 1)), near.mean((0, 1)), atol=0.06)


def test_stripes_lie_or_stand_as_their_angle_says() -> None:
    lying = sheet(Fabric("stripes", COLOURS), 50)
    standing = sheet(Fabric("stripes", COLOURS, angle=np.pi / 2), 50)
    assert np.ptp(lying, axis=1).max() < 1e-4
    assert np.ptp(lying, axis=0).max() > 0.6
    np.testing.assert_allclose(standing.transpose(1, 0, 2), lying, atol=1e-3)


def test_footprints_may_differ_along_and_across() -> None:
    u = v = np.zeros(1, np.float32)
    stripes = Fabric("stripes", COLOURS, scale=0.1, share=0.5)
    along = stripes.colours_at(u, v, np.array([[0.5, 0.001]], np.float32))
    across = stripes.colours_at(u, v, np.array([[0.001, 0.5]], np.float32))
    np.testing.assert_allclose(along, [BLUE], atol=1e-4)
    np.testing.assert_allclose(across, np.mean([[RED], [BLUE]], axis=0), atol=1e-4)


@pytest.mark.parametrize("motif", sorted(MOTIFS))
def test_a_motif_stays_in_its_circle_and_fills_a_part_of_it(motif: str) -> None:
    print_ = Fabric("motif", COLOURS, scale=0.1, motif=motif, share=0.4)
    inked = sheet(print_, 200, metres=0.3)[..., 2] > 0.5
    y, x = np.indices(inked.shape)
    radius = np.hypot(x - 99.5, y - 99.5) * (0.3 / 200)
    assert not inked[radius > 0.125].any()
    assert 0.15 < inked[radius < 0.1].mean() <= 1


def test_random_fabrics_come_in_all_kinds_with_colours_that_differ() -> None:
    fabrics = [random_fabric(np.random.default_rng(seed)) for seed in range(150)]
    assert {fabric.kind for fabric in fabrics} == set(get_args(Pattern))
    for fabric in fabrics:
        ground, ink, _ = np.array(fabric.colours)
        assert np.abs(ground - ink).max() > 0.25
    grounds = np.array([fabric.colours[0] for fabric in fabrics])
    assert (grounds.max(1) < 0.2).any()
    assert (grounds.min(1) > 0.88).any()
    assert (np.ptp(grounds, axis=1) > 0.5).any()


def test_equal_seeds_give_equal_fabrics() -> None:
    one, other, third = (random_fabric(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one == other != third
    assert one != replace(one, scale=0.5)


def test_in_front_u_is_seen_as_x_and_v_as_height() -> None:
    x = np.linspace(-0.08, 0.08, 9, dtype=np.float32)
    chest = np.stack([x, np.full(9, 0.25, np.float32), np.full(9, 0.13, np.float32)], 1)
    belly = chest * np.array([1, 0.2, 1.05], np.float32)
    (u, v), (lower, _) = cloth_coordinates("tshirt", chest), cloth_coordinates("tshirt", belly)
    np.testing.assert_allclose(u, x, atol=0.01)
    np.testing.assert_allclose(lower, u, atol=1e-6)
    np.testing.assert_allclose(v, 0.25)


def test_trouser_legs_go_on_where_the_hips_end() -> None:
    y = np.linspace(0.0, -0.2, 41, dtype=np.float32)
    front = np.stack([np.full(41, 0.12), y, np.full(41, 0.11)], 1).astype(np.float32)
    u, v = cloth_coordinates("trousers", front)
    assert np.abs(np.diff(u)).max() < 0.004
    np.testing.assert_array_equal(v, y)


def test_sleeves_turn_around_the_arm_and_run_along_it() -> None:
    arm = np.array([[0.3, 0.48, 0.01], [0.3, 0.445, 0.05], [0.4, 0.445, 0.05], [-0.3, 0.445, 0.05]], np.float32)
    assert on_sleeve(arm).all()
    (above, front, farther, right), v = cloth_coordinates("tshirt", arm)
    assert above - front == pytest.approx(0.05 * np.pi / 2, abs=0.002)
    assert front == farther == -right
    assert v[1] - v[2] == pytest.approx(0.1, abs=1e-6)
    assert v[0] == v[1] == v[3]


def test_cloth_rises_to_the_top_of_the_shoulders() -> None:
    over = np.array([[0.12, 0.44, 0.07], [0.12, 0.48, 0.05], [0.12, 0.49, 0.02], [0.12, 0.49, -0.01]], np.float32)
    _, v = cloth_coordinates("tshirt", over)
    assert (np.diff(v) > 0.01).all()


def test_around_a_skirt_lies_more_cloth() -> None:
    side = np.array([[0.25, -0.3, 0.02]], np.float32)
    (skirt,), _ = cloth_coordinates("skirt", side)
    (top,), _ = cloth_coordinates("tshirt", side)
    assert skirt == pytest.approx(0.19 * np.pi / 2, rel=0.01)
    assert top == pytest.approx(0.145 * np.pi / 2, rel=0.01)


def test_footprints_are_a_pixels_size_even_at_outlines() -> None:
    buffers = naked()
    index = np.flatnonzero(buffers.layers)
    y = buffers.places.reshape(-1, 3)[index, 1]
    across = footprints(index, (256, 192), y)[:, 0]
    assert np.median(across) == pytest.approx(1.9 / 256, rel=0.25)
    assert across.max() < 0.05


def test_a_pixel_without_neighbours_has_no_footprint() -> None:
    alone = footprints(np.array([0, 5, 8]), (3, 3), np.array([1.0, 2.0, 2.01], np.float32))
    np.testing.assert_allclose(alone[:, 0], [0, 0.01, 0.01], atol=1e-6)
