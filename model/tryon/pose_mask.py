"""Where to paint, from one parsing and the arms' joints: OOTDiffusion's mask, step by step.

Labels are ATR's with 18 for the neck; as published they are 384 x 512, and widths are told at that height. Differs from
the published code in one thing: a joint outside the picture is drawn there; published, a stripe crosses the picture.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Mask = NDArray[np.bool_]  # (H, W)
Labels = NDArray[np.uint8]  # (H, W)
Points = NDArray[np.float64]
Clothes = Literal["upper", "lower", "dress"]

HEIGHT = 512  # of the picture that arm widths are told for
ARM_WIDTHS = {"hd": 60, "dc": 45}  # pixels of the stripe along an arm, by published variant

_HEAD = (1, 3, 11)  # hat, sunglasses, face
_ACCESSORIES = (9, 10, 1, 3, 16)  # shoes, hat, sunglasses, bag
_NECK, _LEFT_ARM, _RIGHT_ARM = 18, 14, 15
_RIGHT_JOINTS, _LEFT_JOINTS = (2, 3, 4), (5, 6, 7)  # shoulder, elbow, wrist in the order of COCO-18
_FOREARM = 1.2  # how much longer than it is the forearm is drawn, so that it ends in the hand
_MISSING = 1  # a wrist that nobody found is at (0, 0)
_BOX = np.ones((5, 5), np.uint8)  # by which the mask grows, as published


@dataclass(frozen=True)
class _MaskLabels:
    """Labels that are painted anew, and those that stay."""

    replaced: Collection[int]
    kept: Collection[int]


_PARTS: dict[Clothes, _MaskLabels] = {
    "upper": _MaskLabels((4, 7), (*_ACCESSORIES, 5, 6)),
    "lower": _MaskLabels((5, 6, 12, 13), (*_ACCESSORIES, 4, 14, 15)),
    "dress": _MaskLabels((4, 5, 6, 7), _ACCESSORIES),
}


def pose_mask(labels: Labels, joints: Points, clothes: Clothes, arm_width: int) -> Mask:
    """True where a garment of this kind is to be painted.

    Args:
        labels: (H, W), ATR's 0..17 and 18 for the neck.
        joints: (18, 2), x and y in pixels of the labels, in the order of COCO-18; (0, 0) where there is none.
        arm_width: of drawn arms, in pixels at a height of 512.
    """
    part = _PARTS[clothes]
    kept = _is(labels, part.kept)
    changeable = ~kept
    head = _is(labels, _HEAD)
    painted = _dilate(_is(labels, part.replaced), 5)
    if clothes != "lower":
        arms, hands = _arms(labels, joints, int(arm_width / HEIGHT * len(labels)))
        kept = kept | hands
        painted = painted | (_dilate(_is(labels, [_NECK]), 1) & ~head) | _dilate(arms, 4)
    kept = kept | head | (changeable & ~painted)
    return _largest(_without_holes(~kept))


def _arms(labels: Labels, joints: Points, width: int) -> tuple[Mask, Mask]:
    """Both arms as drawn, and the hands: what the parsing calls an arm beyond them."""
    size = labels.shape[1], labels.shape[0]
    left, right = _is(labels, [_LEFT_ARM]), _is(labels, [_RIGHT_ARM])
    shoulder, elbow, wrist = joints[list(_RIGHT_JOINTS)]
    line = [shoulder, elbow, _extended(elbow, wrist)]
    right_drawn = right if _missing(wrist) else _drawn(line, shoulder, width, size)
    shoulder, elbow, wrist = joints[list(_LEFT_JOINTS)]
    line = [_extended(elbow, wrist), elbow, shoulder]
    left_drawn = left if _missing(wrist) else _drawn(line, shoulder, width, size)
    return left_drawn | right_drawn, (left & ~left_drawn) | (right & ~right_drawn)


def _missing(joint: Points) -> bool:
    return bool((joint <= _MISSING).all())


def _extended(elbow: Points, wrist: Points) -> Points:
    return elbow + _FOREARM * (wrist - elbow)


def _drawn(line: list[Points], shoulder: Points, width: int, size: tuple[int, int]) -> Mask:
    """A line with rounded corners, and a disc around the shoulder."""
    picture = Image.new("1", size)
    draw = ImageDraw.Draw(picture)
    draw.line([(int(x), int(y)) for x, y in line], fill=1, width=width, joint="curve")
    reach = width // 2
    (x, y) = shoulder
    draw.arc((x - reach, y - reach, x + reach, y + reach), 0, 360, fill=1, width=reach)
    return np.asarray(picture)


def _without_holes(mask: Mask) -> Mask:
    """Filled where nothing leads in from the border, which itself is never part of it."""
    inner = np.zeros(mask.shape, np.uint8)
    inner[1:-1, 1:-1] = mask[1:-1, 1:-1]
    outside = inner.copy()
    cv2.floodFill(outside, None, (0, 0), 1)
    whole: Mask = (inner != 0) | (outside == 0)
    return whole


def _largest(mask: Mask) -> Mask:
    """The largest area alone, its outline simplified as published (by Teh and Chin's algorithm)."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_TC89_L1)
    filled = np.zeros(mask.shape, np.uint8)
    if contours:
        areas = [abs(cv2.contourArea(contour, oriented=True)) for contour in contours]
        cv2.drawContours(filled, contours, int(np.argmax(areas)), 1, thickness=cv2.FILLED)
    largest: Mask = filled != 0
    return largest


def _dilate(mask: Mask, iterations: int) -> Mask:
    grown: Mask = np.asarray(cv2.dilate(mask.astype(np.uint8), _BOX, iterations=iterations)) != 0
    return grown


def _is(labels: Labels, classes: Collection[int]) -> Mask:
    found: Mask = np.isin(labels, list(classes))
    return found
