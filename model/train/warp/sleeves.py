"""Long sleeves that hang down beside the garment, as shops lay them: the generator's lie spread."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from model.train.warp.samples import Floats, Sample

_TORSO_ROWS = (0.55, 0.85)  # of the garment's height, where its trunk is measured
_SHOULDER, _BELOW = 0.9, 0.06  # of half the trunk's width, of the height below the shoulder's edge
_LONG = 0.85  # trunk's widths that a long sleeve has at least
_ARMPIT = (0.5, 1.1)  # half widths of the trunk between which a sleeve begins to turn
_WHOLE = 180.0
_LEAST_GAP, _CLOSEST = 2.0, 0.97  # degrees, share of the gap that is closed at most


@dataclass(frozen=True)
class _Sleeve:
    """Where it begins, pixels, on which side it is, the width of half a trunk, and the angles at which it lies.

    Angles are degrees from straight down, outwards. knots, hung: (4,): the trunk's side, the sleeve's inner and outer
    side, straight up; before and after.
    """

    shoulder: NDArray[np.float64]
    side: int
    half: float
    knots: NDArray[np.float64]
    hung: NDArray[np.float64]

    def turned(self, places: NDArray[np.float64], *, back: bool = False) -> NDArray[np.float64]:
        """Where places, (..., 2) in pixels, lie after it was hung down; or where they lay before."""
        apart = (places - self.shoulder) * [self.side, 1]
        far = np.hypot(apart[..., 0], apart[..., 1])
        angle = np.degrees(np.arctan2(apart[..., 0], apart[..., 1]))
        share = np.clip((far / self.half - _ARMPIT[0]) / (_ARMPIT[1] - _ARMPIT[0]), 0, 1)[..., None]
        hung = self.knots + share * (self.hung - self.knots)
        one, other = (hung, self.knots + 0 * share) if back else (self.knots + 0 * share, hung)
        new = np.radians(_between(angle, one, other))
        moved = np.stack([self.side * np.sin(new), np.cos(new)], -1) * far[..., None] + self.shoulder
        return np.where((angle > self.knots[0])[..., None], moved, places)


def hung_down(sample: Sample, rng: np.random.Generator) -> Sample:
    """The same with the sleeves of its flat picture turned towards the trunk, if they are long and spread."""
    share = min(rng.uniform(0.4, 2.0), _CLOSEST)
    sleeves = [_sleeve(sample.alpha, side, share) for side in (-1, 1)]
    if None in sleeves:
        return sample
    height, width = sample.alpha.shape
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float64)
    scale = np.array([width, height]) / 2
    places = (sample.flow + 1) * scale - 0.5
    for sleeve in sleeves:
        assert sleeve is not None  # noqa: S101 - for the type checker
        pixels, places = _on_side(sleeve, pixels, back=True), _on_side(sleeve, places, back=False)
    x, y = (np.ascontiguousarray(plane, np.float32) for plane in (pixels[..., 0], pixels[..., 1]))
    flat = cv2.remap(sample.flat, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.remap(sample.alpha, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    flow: Floats = ((places + 0.5) / scale - 1).astype(np.float32)
    return replace(sample, flat=np.asarray(flat, np.uint8), alpha=np.asarray(alpha, np.float32), flow=flow)


def _on_side(sleeve: _Sleeve, places: NDArray[np.float64], *, back: bool) -> NDArray[np.float64]:
    there = (places[..., 0] - sleeve.shoulder[0]) * sleeve.side > -sleeve.half * _SHOULDER
    return np.where(there[..., None], sleeve.turned(places, back=back), places)


def _sleeve(alpha: Floats, side: int, share: float) -> _Sleeve | None:
    """What hangs down by a share of the free angle; None: no long sleeve that is apart from the trunk."""
    inside = alpha > 0.5
    rows, columns = np.nonzero(inside)
    if len(rows) == 0:
        return None
    top, height = rows.min(), rows.max() + 1 - rows.min()
    middle = (columns.min() + columns.max()) / 2
    first, last = (top + int(share_of * height) for share_of in _TORSO_ROWS)
    runs = np.array([_half_run(row, round(middle), side) for row in inside[first:last]])
    half = float(np.median(runs))
    column = round(middle + side * _SHOULDER * half)
    if half < 4 or not 0 <= column < alpha.shape[1] or not inside[:, column].any():
        return None
    shoulder = np.array([column, inside[:, column].argmax() + _BELOW * height], np.float64)
    apart = (np.stack([columns, rows], -1) - shoulder) * [side, 1]
    far, angle = np.hypot(*apart.T), np.degrees(np.arctan2(apart[:, 0], apart[:, 1]))
    trunk = np.median(np.degrees(np.arctan2(runs - _SHOULDER * half, np.arange(first, last) - shoulder[1])))
    outside = (angle > trunk + 2) & (far > _ARMPIT[1] * half)
    if not outside.any() or far[outside].max() < _LONG * 2 * half:
        return None
    inner, outer = np.percentile(angle[outside], (1, 99))
    free = inner - trunk
    if free < _LEAST_GAP:
        return None
    knots = np.array([trunk, inner, outer, _WHOLE])
    return _Sleeve(shoulder, side, half, knots, knots - np.array([0, 1, 1, 0]) * free * share)


def _half_run(row: NDArray[np.bool_], middle: int, side: int) -> int:
    """How far the garment reaches from its middle without a gap."""
    line = row[middle:] if side > 0 else row[middle::-1]
    return int(line.argmin()) if not line.all() else len(line)


def _between(
    values: NDArray[np.float64], knots: NDArray[np.float64], results: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Piecewise linear: values (...), knots and results (..., 4), each place with its own."""
    found = values
    for i in range(knots.shape[-1] - 1):
        low, high = knots[..., i], knots[..., i + 1]
        part = (values - low) / np.maximum(high - low, 1e-9)
        there = (values > low) & (values <= high)
        found = np.where(there, results[..., i] + part * (results[..., i + 1] - results[..., i]), found)
    return found
