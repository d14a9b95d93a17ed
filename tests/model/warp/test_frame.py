"""Which part of a photo the networks look at."""

from __future__ import annotations

import numpy as np
import pytest

from model.engines.warp.frame import frame
from model.tryon.request import Category


def mask(rows: slice, columns: slice) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    made = np.zeros((512, 384), np.uint8)
    made[rows, columns] = 1
    return made


@pytest.mark.parametrize("category", ["upper", "lower", "overall"])
def test_a_small_person_is_looked_at_from_nearby_with_all_of_the_mask_in_sight(category: Category) -> None:
    small = mask(slice(150, 250), slice(170, 220))
    rows, columns = frame(small, category)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    assert 100 < height < 200
    assert width == pytest.approx(height * 0.75, abs=1)
    assert small[rows, columns].sum() == small.sum()


def test_who_fills_the_photo_is_looked_at_whole() -> None:
    everything = slice(0, 512), slice(0, 384)
    assert frame(mask(slice(100, 440), slice(60, 320)), "upper") == everything
    assert frame(mask(slice(0, 512), slice(0, 384)), "overall") == everything


def test_a_frame_does_not_leave_the_photo() -> None:
    rows, columns = frame(mask(slice(0, 80), slice(0, 60)), "upper")
    assert (rows.start, columns.start) == (0, 0)
    rows, columns = frame(mask(slice(430, 512), slice(330, 384)), "upper")
    assert (rows.stop, columns.stop) == (512, 384)
