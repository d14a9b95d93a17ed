"""Measures against the exact truth, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import InputError
from model.measures.exact_pair import MOST_PSNR, Levels, Region, colour_error, filled, psnr

GREY: Levels = np.full((8, 6, 3), 100, np.uint8)
LEFT: Region = np.arange(6)[None, :].repeat(8, 0) < 3


def test_psnr_of_a_constant_error_is_the_textbooks() -> None:
    assert psnr(GREY + np.uint8(10), GREY) == pytest.approx(20 * np.log10(255 / 10))
    assert psnr(GREY, GREY + np.uint8(10)) == pytest.approx(20 * np.log10(255 / 10))


def test_psnr_counts_only_the_pixels_asked_for() -> None:
    result = GREY.copy()
    result[LEFT] = 150
    assert psnr(result, GREY, LEFT) == pytest.approx(20 * np.log10(255 / 50))
    assert psnr(result, GREY, ~LEFT) == MOST_PSNR
    assert psnr(result, GREY) == pytest.approx(20 * np.log10(255 / 50) + 10 * np.log10(2))


def test_psnr_of_nearly_equal_pictures_is_bounded() -> None:
    large = np.zeros((600, 600, 3), np.uint8)
    nearly = large.copy()
    nearly[0, 0, 0] = 1
    assert psnr(large, large) == psnr(nearly, large) == MOST_PSNR


def test_colour_error_is_the_distance_of_mean_colours_averaged_over_channels() -> None:
    result = GREY.copy()
    result[LEFT] = (112, 94, 100)  # 12 above, 6 below, right
    result[~LEFT] = 255
    assert colour_error(result, GREY, LEFT) == pytest.approx(6)


def test_colour_error_sees_the_colour_and_not_the_pattern() -> None:
    stripes = GREY.copy()
    stripes[::2], stripes[1::2] = 60, 140
    assert colour_error(stripes, GREY, LEFT) == 0


def test_filling_gives_the_area_the_garments_mean_colour_and_leaves_the_rest() -> None:
    truth = GREY.copy()
    truth[:4, :3], truth[4:, :3] = (200, 0, 50), (100, 0, 150)
    mask = LEFT.copy()
    mask[:, 3] = True
    painted = filled(truth, mask, LEFT)
    assert (painted[mask] == (150, 0, 100)).all()
    assert (painted[~mask] == 100).all()
    assert (truth[:4, :3] == (200, 0, 50)).all()
    assert psnr(painted, truth, LEFT) == pytest.approx(10 * np.log10(255**2 / (2 * 50**2 / 3)))


@pytest.mark.parametrize(
    ("result", "region", "said"),
    [
        (GREY[1:], LEFT, r"the result is \(7, 6, 3\), its truth \(8, 6, 3\)"),
        (GREY, LEFT[1:], r"the region is \(7, 6\), the pictures are \(8, 6\)"),
        (GREY, LEFT & ~LEFT, "the region is empty"),
    ],
)
def test_what_cannot_be_compared_is_refused(result: Levels, region: Region, said: str) -> None:
    with pytest.raises(InputError, match=said):
        psnr(result, GREY, region)
    with pytest.raises(InputError, match=said):
        colour_error(result, GREY, region)


def test_an_area_of_another_size_is_not_filled() -> None:
    with pytest.raises(InputError, match="the area to fill is"):
        filled(GREY, LEFT[1:], LEFT)
    with pytest.raises(InputError, match="the region is empty"):
        filled(GREY, LEFT, LEFT & ~LEFT)
