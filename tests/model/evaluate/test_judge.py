"""What is known of a picture's pixels, and what counts as a pattern."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from model.evaluate.judge import areas_of, is_patterned, like
from model.synthetic.fabrics.fabrics import Pattern
from model.tryon.repaint import blend
from tests.model.evaluate.flats import flat
from tests.model.tryon.drawing import array, noise, rectangle

MASK = rectangle(96, 128, (30, 40, 60, 80))
EVERYWHERE = np.ones((128, 96), np.bool_)


def test_beyond_is_exactly_what_repainting_leaves_alone() -> None:
    areas = areas_of(MASK, EVERYWHERE, (96, 128))
    photo = Image.new("RGB", (96, 128), (10, 20, 30))
    repainted = blend(photo, Image.new("RGB", (96, 128), (250, 250, 250)), MASK)
    changed = (array(repainted) != array(photo)).any(2)
    assert not changed[areas.beyond].any()
    assert areas.beyond.sum() > 0.8 * (~changed).sum()
    assert not (areas.beyond & areas.mask).any()


def test_the_garments_region_ends_where_the_mask_does() -> None:
    areas = areas_of(MASK, EVERYWHERE, (96, 128))
    np.testing.assert_array_equal(areas.mask, array(MASK) > 0)
    np.testing.assert_array_equal(areas.garment, areas.mask)


def test_areas_follow_the_results_size_and_cut() -> None:
    half = areas_of(MASK, np.ones((64, 48), np.bool_), (48, 64))
    assert half.mask.sum() == pytest.approx((array(MASK) > 0).sum() / 4, rel=0.05)
    square = areas_of(MASK, np.ones((96, 96), np.bool_), (96, 96))
    np.testing.assert_array_equal(square.mask, array(MASK)[16:112] > 0)


def test_truth_is_resized_like_published_and_cut_like_the_result() -> None:
    truth = noise(96, 128)
    assert like(truth, truth.size) is truth
    np.testing.assert_array_equal(array(like(truth, (48, 64))), array(truth.resize((48, 64), Image.Resampling.LANCZOS)))
    np.testing.assert_array_equal(array(like(truth, (96, 96))), array(truth)[16:112])


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("plain", False), ("stripes", True), ("gingham", True), ("dots", True), ("gradient", True)],
)
def test_folds_are_no_pattern(pattern: Pattern, expected: bool) -> None:
    assert is_patterned(flat(pattern, (150, 60, 60))) is expected


def test_an_empty_picture_has_no_pattern() -> None:
    assert not is_patterned(np.full((20, 20, 3), 255, np.uint8))
