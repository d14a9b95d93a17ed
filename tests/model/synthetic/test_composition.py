"""Photos and flat pictures painted from buffers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.clothes.buffers import BodyLayer, Buffers
from model.synthetic.fabrics.fabrics import Fabric
from model.synthetic.fabrics.garments import Garment, random_garment
from model.synthetic.people.looks import Look, random_look
from model.synthetic.people.skin import paint_eyes, paint_hair, paint_shoes, paint_skin
from model.synthetic.scene.composition import flat_picture, paint
from model.synthetic.scene.labels import halved
from model.synthetic.scene.light import display, lit, random_light
from model.synthetic.scene.rooms import contact_shadow, paint_room, random_room
from tests.model.synthetic.made_buffers import depth, dressed, naked

RED, BLUE = (0.85, 0.10, 0.10), (0.10, 0.15, 0.80)
RED_TOP = Garment("tshirt", Fabric("plain", (RED, RED, RED)), RED, hem=-0.06)
BLUE_TROUSERS = Garment("trousers", Fabric("plain", (BLUE, BLUE, BLUE)), BLUE, hem=-0.75)
CLOTHES = (BLUE_TROUSERS, RED_TOP)


@pytest.fixture(scope="module")
def buffers() -> Buffers:
    return dressed(naked(), CLOTHES)


def painted(buffers: Buffers, garments: tuple[Garment, ...], seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return paint(buffers, random_look(rng), garments, random_room(rng), random_light(rng))


def test_a_photo_shows_clothes_in_their_colours(buffers: Buffers) -> None:
    photo, alpha = painted(buffers, CLOTHES)
    assert photo.shape == (128, 96, 3)
    assert photo.dtype == alpha.dtype == np.uint8
    layers = halved(buffers).layers
    red, _, other = photo[layers == BodyLayer.UPPER].mean(0)
    assert red > 2.5 * other
    red, _, other = photo[layers == BodyLayer.LOWER].mean(0)
    assert other > 2.5 * red


def test_another_garment_changes_nothing_but_its_own_pixels(buffers: Buffers) -> None:
    before, _ = painted(buffers, CLOTHES)
    after, _ = painted(buffers, (BLUE_TROUSERS, replace(RED_TOP, fabric=BLUE_TROUSERS.fabric)))
    changed = (before != after).any(-1)
    worn = (buffers.layers == BodyLayer.UPPER).reshape(128, 2, 96, 2)
    assert not changed[~worn.any((1, 3))].any()
    assert changed[worn.all((1, 3))].mean() > 0.99


def test_alpha_is_the_share_of_fine_pixels_with_somebody(buffers: Buffers) -> None:
    _, alpha = painted(buffers, CLOTHES)
    share = (buffers.layers > 0).reshape(128, 2, 96, 2).mean((1, 3))
    np.testing.assert_allclose(alpha / 255, share, atol=1 / 255)


def test_outlines_lie_between_person_and_room(buffers: Buffers) -> None:
    white = ((1.0, 1.0, 1.0),) * 3
    everything = np.where(buffers.layers > 0, np.uint8(BodyLayer.UPPER), np.uint8(0))
    bright = replace(buffers, layers=everything)
    photo, alpha = painted(bright, (replace(RED_TOP, fabric=Fabric("plain", white), trim=white[0]),))
    room = paint_room(random_room(rng_after_look(1)), 128, 96) * 255
    edges = (alpha > 60) & (alpha < 200)
    edges[100:] = False  # above the contact shadow
    assert edges.sum() > 100
    assert (photo[edges].mean(-1) > 0.6 * np.minimum(room[edges].mean(-1), 160)).all()


def rng_after_look(seed: int) -> np.random.Generator:
    rng = np.random.default_rng(seed)
    random_look(rng)
    return rng


def test_equal_seeds_give_equal_photos(buffers: Buffers) -> None:
    one, other, third = (painted(buffers, CLOTHES, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, other)
    assert (one != third).any()


def test_a_flat_picture_shows_the_garment_alone_on_white(buffers: Buffers) -> None:
    flat = flat_picture(buffers, RED_TOP)
    worn = (buffers.layers == BodyLayer.UPPER).reshape(128, 2, 96, 2)
    inside, outside = flat[worn.all((1, 3))], flat[~worn.any((1, 3))]
    assert np.abs(inside.mean(0) - np.array(RED) * 255).max() < 30
    assert (outside == 255).all(-1).mean() > 0.9
    assert outside.min() > 200


def test_flat_and_worn_show_the_same_pattern(buffers: Buffers) -> None:
    """Both are functions of places, so seen from the same side their colours go together pixel by pixel."""
    striped = replace(RED_TOP, fabric=Fabric("stripes", (RED, (0.95, 0.95, 0.95), RED), scale=0.16))
    photo, flat = painted(buffers, (BLUE_TROUSERS, striped))[0], flat_picture(buffers, striped)
    worn = (buffers.layers == BodyLayer.UPPER).reshape(128, 2, 96, 2).all((1, 3))
    green = np.corrcoef(photo[worn][:, 1], flat[worn][:, 1])[0, 1]
    assert green > 0.95


def test_a_room_has_its_ground_only_where_somebody_stands_on_it() -> None:
    room = replace(random_room(np.random.default_rng(4)), ground=(0.1, 0.1, 0.1), floor=0.1, furniture=())
    standing, cropped = paint_room(room, 128, 96, feet=0.9), paint_room(room, 128, 96)
    assert standing[110:].mean() < 0.3 < cropped[110:].mean()
    np.testing.assert_array_equal(standing[:70].round(1), cropped[:70].round(1))


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (640, 480)])
def test_rooms_come_in_any_size(size: tuple[int, int]) -> None:
    picture = paint_room(random_room(np.random.default_rng(0)), *size, feet=0.95)
    assert picture.shape == (*size, 3)
    assert 0 <= picture.min() <= picture.max() <= 1


def test_a_contact_shadow_darkens_the_ground_at_the_feet_alone() -> None:
    grey = np.full((100, 80, 3), 0.5, np.float32)
    shadowed = contact_shadow(grey, 40, 90, 15)
    assert shadowed[90, 40, 0] < 0.35
    assert (shadowed[:70] == 0.5).all()
    assert (grey == 0.5).all()


def test_light_comes_from_where_it_is_said_to() -> None:
    light = random_light(np.random.default_rng(3))
    normals = np.array([light.towards_key, [-c for c in light.towards_key]], np.float32)
    towards, away = lit(np.full((2, 3), 0.7, np.float32), normals, np.ones(2, np.float32), light)
    assert (towards > 1.5 * away).all()
    assert (away > 0).all()
    hidden = lit(np.full((2, 3), 0.7, np.float32), normals, np.full(2, 0.3, np.float32), light)
    assert (hidden[0] < towards).all()


def test_what_faces_the_light_keeps_about_its_colour() -> None:
    for seed in range(20):
        light = random_light(np.random.default_rng(seed))
        facing = np.array([light.towards_key], np.float32)
        shown = display(lit(np.full((1, 3), 0.6, np.float32), facing, np.ones(1, np.float32), light))
        assert 0.5 < shown.min() <= shown.max() < 0.7


def test_faces_have_darker_brows_and_redder_lips() -> None:
    complexion = replace(random_look(np.random.default_rng(0)).complexion, stubble=0.0, freckled=0.0)
    cheek, brow, lip, hairline = paint_skin(
        complexion,
        np.array([[0.05, 0.62, 0.10], [0.034, 0.7025, 0.13], [0.0, 0.605, 0.145], [0.0, 0.78, 0.05]], np.float32),
    )
    assert brow.mean() < 0.85 * cheek.mean()
    assert lip[0] / lip[1] > cheek[0] / cheek[1]
    np.testing.assert_allclose(hairline, complexion.hair, atol=0.15)


def test_eyes_hair_and_shoes_have_their_own_colours() -> None:
    look: Look = random_look(np.random.default_rng(2))
    pupil, white = paint_eyes(look.complexion, np.array([[0.0315, 0.6805, 0.12], [0.0415, 0.6795, 0.12]], np.float32))
    assert pupil.max() < 0.1
    assert white.min() > 0.7
    crown = np.random.default_rng(0).uniform(-0.08, 0.08, (200, 3)).astype(np.float32) + np.array(
        [0, 0.72, 0.02], np.float32
    )
    np.testing.assert_allclose(paint_hair(look.complexion, crown).mean(0), look.complexion.hair, atol=0.1)
    upper, sole = paint_shoes((0.1, 0.1, 0.1), np.array([[0.15, -0.85, 0.0], [0.15, -0.9, 0.1]], np.float32))
    assert upper.max() < 0.15
    assert sole.min() > 0.6


@pytest.mark.parametrize("place", ["upper", "lower", "dress"])
def test_random_garments_dress_their_place_and_cover_what_is_decent(place: str) -> None:
    belly, hips = np.array([[0, 0.25, 0.14]], np.float32), np.array([[0.1, -0.05, 0.11]], np.float32)
    face, hand = np.array([[0, 0.62, 0.14]], np.float32), np.array([[0.75, 0.44, 0.01]], np.float32)
    for seed in range(60):
        garment = random_garment(np.random.default_rng(seed), place)  # type: ignore[arg-type]
        assert garment.place == place
        assert depth(garment, face) < 0
        assert depth(garment, hand) < 0
        assert (depth(garment, belly) > 0) == (place != "lower")
        if place != "upper":
            assert depth(garment, hips) > 0
        if place == "lower":
            assert garment.fabric.kind not in ("motif", "band")
