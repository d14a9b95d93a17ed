"""Intersection over union of masks and label maps, on maps whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import InputError
from model.perception.overlap import LabelCounts, mask_iou


def test_mask_iou_is_intersection_over_union() -> None:
    left, top = np.zeros((4, 4), np.bool_), np.zeros((4, 4), np.bool_)
    left[:, :2], top[:2] = True, True
    assert mask_iou(left, top) == pytest.approx(4 / 12)
    assert mask_iou(left, left) == 1
    assert mask_iou(left, ~left) == 0
    assert mask_iou(left & ~left, left & ~left) == 1
    with pytest.raises(InputError, match="the mask is"):
        mask_iou(left, top[1:])


def test_label_maps_are_counted_together_not_averaged_one_by_one() -> None:
    counts = LabelCounts(4)
    counts.add(np.array([[0, 0, 1, 1]], np.uint8), np.array([[0, 1, 1, 1]], np.uint8))
    counts.add(np.array([[1, 1]], np.uint8), np.array([[1, 2]], np.uint8))
    # class 0: 1 of 2; class 1: 3 of 5 (one lost, one gained); class 2: never found; class 3 occurs nowhere
    np.testing.assert_allclose(counts.ious(), [1 / 2, 3 / 5, 0, np.nan])
    assert counts.mean_iou() == pytest.approx((1 / 2 + 3 / 5 + 0) / 3)


def test_a_class_found_where_there_is_none_harms_its_victims_only() -> None:
    counts = LabelCounts(3)
    counts.add(np.array([[0, 0, 0, 2]], np.uint8), np.array([[0, 0, 0, 0]], np.uint8))
    assert counts.mean_iou() == pytest.approx(3 / 4)


def test_maps_that_cannot_be_counted_are_refused() -> None:
    counts = LabelCounts(2)
    with pytest.raises(InputError, match="no label map was counted"):
        counts.mean_iou()
    with pytest.raises(InputError, match="the label map is"):
        counts.add(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))
    with pytest.raises(InputError, match="has the class 2, there are 2"):
        counts.add(np.full((2, 2), 2, np.uint8), np.zeros((2, 2), np.uint8))
