"""The garment in its flat picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from model.engines.warp.cutout import carried_on, garment_alpha
from model.engines.warp.garment import FlatGarment

SHIRT = (slice(40, 200), slice(50, 130))


def flat(ground: int, cloth: tuple[int, int, int] = (200, 30, 40)) -> NDArray[np.uint8]:
    picture = np.full((240, 180, 3), ground, np.uint8)
    picture[SHIRT] = cloth
    return picture


@pytest.mark.parametrize("ground", [255, 235, 150, 0])
def test_a_garment_is_what_the_even_ground_is_not(ground: int) -> None:
    alpha = garment_alpha(flat(ground))
    inside = np.zeros(alpha.shape, bool)
    inside[SHIRT] = True
    assert np.count_nonzero((alpha > 0.5) != inside) <= 4  # corners are rounded


def test_a_soft_shadow_belongs_to_the_ground() -> None:
    picture = flat(250)
    shadow = np.zeros((240, 180), np.float32)
    shadow[50:215, 50:130] = 40
    shaded = picture.astype(np.float32) - cv2.GaussianBlur(shadow, (0, 0), 8)[..., None]
    shaded[SHIRT] = picture[SHIRT]
    alpha = garment_alpha(shaded.astype(np.uint8))
    assert abs((alpha > 0.5).sum() / (160 * 80) - 1) < 0.08


def test_ground_seen_through_a_hole_in_a_garment_of_its_colour_stays_garment() -> None:
    picture = flat(255)
    picture[100:120, 80:100] = 255
    assert garment_alpha(picture)[110, 90] == 1


def test_a_cream_garment_with_soft_edges_is_not_white_ground() -> None:
    picture = cv2.GaussianBlur(flat(255, (254, 249, 232)), (0, 0), 2.5)
    assert garment_alpha(np.asarray(picture, np.uint8))[SHIRT][8:-8, 8:-8].mean() == 1


def test_a_white_garment_on_white_ends_where_its_outline_does_though_that_is_faint() -> None:
    picture = flat(255, (244, 244, 244))
    picture[38:40, 48:132] = picture[200:202, 48:132] = 226
    picture[38:202, 48:50] = picture[38:202, 130:132] = 226
    picture[120:122, 48:50] = 250  # a gap
    assert garment_alpha(picture)[SHIRT][4:-4, 4:-4].mean() == 1


def test_a_garment_that_is_cut_off_by_the_picture_is_still_one() -> None:
    picture = flat(255)
    picture[200:, 50:130] = (200, 30, 40)
    alpha = garment_alpha(picture)
    assert alpha[50:, 60:120].mean() == 1
    assert alpha[:, :40].max() == 0


def test_dirt_is_no_garment() -> None:
    picture = flat(255)
    picture[10:14, 10:14] = 0
    assert garment_alpha(picture)[12, 12] == 0


def test_without_an_even_ground_all_is_garment() -> None:
    assert (garment_alpha(np.full((64, 48, 3), 90, np.uint8)) == 1).all()


def test_colours_go_on_beyond_the_outline_and_stay_within_it() -> None:
    picture = flat(255)
    alpha = garment_alpha(picture)
    filled = carried_on(picture, alpha)
    assert np.abs(filled[:, :].astype(int) - (200, 30, 40)).max() <= 2
    striped = flat(255)
    striped[40:200, 50:90] = (0, 0, 200)
    filled = carried_on(striped, garment_alpha(striped))
    assert filled[100, 46, 2] > 150 > filled[100, 134, 2]


def test_a_picture_of_another_aspect_is_padded_in_its_own_ground() -> None:
    garment = FlatGarment.of(flat(220)[:, 30:150])
    assert garment.picture.shape == (240, 180, 3)
    assert (garment.picture[:, :30] == 220).all()
    import torch

    flow = torch.zeros(1, 2, 4, 3)
    flow[:, 0] = 120 / 180  # the right border of what was sent
    assert garment.as_sent(flow)[0, 0].tolist() == pytest.approx([1, 0])
