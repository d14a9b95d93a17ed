"""Where people are, as boxes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

PersonBox = tuple[float, float, float, float]  # left, top, right, bottom, in pixels; right and bottom outside
Boxes = NDArray[np.float64]  # (N, 4)

_SAME_PERSON = 0.5  # of what two boxes cover together: from there on they are of one person
_LEAST_AREA = 0.001  # of the picture: what is smaller is a speck, not a person


def largest_area(mask: NDArray[np.bool_]) -> PersonBox | None:
    """The box of the largest connected area of (H, W); None where there is none worth the name."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    left, top, width, height, pixels = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))]
    if pixels < _LEAST_AREA * mask.size:
        return None
    return float(left), float(top), float(left + width), float(top + height)


def best_match(boxes: Sequence[PersonBox], wanted: PersonBox) -> PersonBox | None:
    """The box that shares most with another, as a share of what both cover; None where none reaches half of it."""
    match = max(boxes, key=lambda box: overlap(box, wanted), default=None)
    return match if match is not None and overlap(match, wanted) >= _SAME_PERSON else None


def overlap(one: PersonBox, other: PersonBox) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (area(one) + area(other) - shared)


def area(box: PersonBox) -> float:
    """In square pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])


def without_doubles(boxes: Boxes, scores: NDArray[np.float64], most_overlap: float) -> list[int]:
    """Indices of the boxes that no surer one overlaps by more than this, the surest first."""
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), scores.tolist(), 0.0, most_overlap)
    return [int(i) for i in np.asarray(kept).reshape(-1)]
