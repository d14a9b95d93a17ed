"""From fields to people: joints are peaks, limbs join them along the field, limbs with a common joint are one body.

Numbers and order are those of the published assembly, whose first person is the one used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Field = NDArray[np.float64]

JOINTS = 18  # COCO-18

# Two joints, and the field's channels for x and y along the limb between them.
_LIMBS = (
    *((1, 2, 12, 13), (1, 5, 20, 21), (2, 3, 14, 15), (3, 4, 16, 17), (5, 6, 22, 23), (6, 7, 24, 25), (1, 8, 0, 1)),
    *((8, 9, 2, 3), (9, 10, 4, 5), (1, 11, 6, 7), (11, 12, 8, 9), (12, 13, 10, 11), (1, 0, 28, 29), (0, 14, 30, 31)),
    *((14, 16, 34, 35), (0, 15, 32, 33), (15, 17, 36, 37), (2, 16, 18, 19), (5, 17, 26, 27)),
)
_NO_NEW_PERSON = 17  # limbs from here on, shoulder to ear, only add to people
_SMOOTHING = 3.0  # pixels
_PEAK = 0.1  # of the smoothed field
_SAMPLES, _ALONG, _MOST_ASTRAY = 10, 0.05, 2  # samples along a limb, how much each must agree, how many may not
_FEWEST_JOINTS, _LEAST_SCORE = 4, 0.4  # of somebody; the score is a mean over joints


@dataclass(frozen=True)
class Peak:
    """A joint that somebody may have. x, y: pixels; score: the field's value there."""

    x: int
    y: int
    score: float
    id: int


@dataclass
class Body:
    """Somebody: joint -> its peak."""

    joints: dict[int, Peak] = field(default_factory=dict)
    score: float = 0.0
    count: int = 0


def peaks_of(joints: Field) -> list[list[Peak]]:
    """For each joint the peaks of its field, (H, W, 18 or more), row by row, numbered on from joint to joint."""
    found: list[list[Peak]] = []
    number = 0
    for joint in range(JOINTS):
        plane = joints[..., joint]
        rows, columns = np.nonzero(_is_peak(gaussian_filter(plane, _SMOOTHING)))
        found.append(
            [
                Peak(x, y, float(plane[y, x]), number + i)
                for i, (x, y) in enumerate(zip(columns.tolist(), rows.tolist(), strict=True))
            ]
        )
        number += len(rows)
    return found


def _is_peak(smooth: Field) -> NDArray[np.bool_]:
    around = np.pad(smooth, 1)
    neighbours = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    peaks: NDArray[np.bool_] = np.logical_and.reduce([smooth > _PEAK, *(smooth >= other for other in neighbours)])
    return peaks


def people_of(joints: Field, limbs: Field) -> list[Body]:
    """Everybody of whom enough is seen, in the order they were found.

    Args:
        joints: (H, W, 18 or more), at the picture's size.
        limbs: (H, W, 38).
    """
    peaks = peaks_of(joints)
    people: list[Body] = []
    for number, (first, second, x, y) in enumerate(_LIMBS):
        for one, other, score in _pairs(peaks[first], peaks[second], limbs[..., [x, y]], joints.shape[0]):
            _add(people, first, second, one, other, score, may_begin=number < _NO_NEW_PERSON)
    return [body for body in people if body.count >= _FEWEST_JOINTS and body.score / body.count >= _LEAST_SCORE]


def _pairs(first: list[Peak], second: list[Peak], along: Field, height: int) -> list[tuple[Peak, Peak, float]]:
    """The limbs between these joints, the surest first; each joint has one at the most."""
    scored = []
    for one, other in product(first, second):
        score, agreeing = _agreement(one, other, along, height)
        if score > 0 and agreeing > _SAMPLES - _MOST_ASTRAY:
            scored.append((one, other, score))
    scored.sort(key=lambda pair: pair[2], reverse=True)
    chosen: list[tuple[Peak, Peak, float]] = []
    for one, other, score in scored:
        if all(one is not taken and other is not used for taken, used, _ in chosen):
            chosen.append((one, other, score))
    return chosen


def _agreement(one: Peak, other: Peak, along: Field, height: int) -> tuple[float, int]:
    """How well the field runs from one to the other: its mean on the way, less for long limbs; samples that agree."""
    way = np.array([other.x - one.x, other.y - one.y], np.float64)
    length = max(0.001, float(np.hypot(*way)))
    xs = np.rint(np.linspace(one.x, other.x, _SAMPLES)).astype(int)
    ys = np.rint(np.linspace(one.y, other.y, _SAMPLES)).astype(int)
    values = along[ys, xs] @ (way / length)
    score = float(values.mean()) + min(0.5 * height / length - 1, 0)
    return score, int((values > _ALONG).sum())


def _add(people: list[Body], first: int, second: int, one: Peak, other: Peak, score: float, *, may_begin: bool) -> None:
    """Give a limb to whom it belongs."""
    owners = [body for body in people if body.joints.get(first) is one or body.joints.get(second) is other]
    match owners:
        case [body]:
            _extend(body, second, other, score)
        case [body, rest, *_]:
            if body.joints.keys().isdisjoint(rest.joints):
                body.joints |= rest.joints
                body.count += rest.count
                body.score += rest.score + score
                people.remove(rest)
            else:
                _extend(body, second, other, score)
        case [] if may_begin:
            people.append(Body({first: one, second: other}, one.score + other.score + score, 2))


def _extend(body: Body, joint: int, peak: Peak, score: float) -> None:
    if body.joints.get(joint) is not peak:
        body.joints[joint] = peak
        body.count += 1
        body.score += peak.score + score
