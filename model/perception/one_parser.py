"""One parser's labels as the three maps that masks are made of.

DensePose does two things for a mask: it says which limbs are hands and feet, and it knows the body under hair and bags.
FASHN's parser tells hands, feet and bare body itself. ATR's does not: a hand is what is left of an arm beyond the wrist
where a pose says where that is, else the end of the arm that is farthest from clothes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.perception.label_maps import LabelMaps
from model.perception.label_tables import (
    ATR_TO_LIP,
    FASHN_TO_ATR,
    FASHN_TO_DENSEPOSE,
    FASHN_TO_LIP,
    Labels,
    renamed,
)
from model.perception.skeletons import COCO_18, Joints

Mask = NDArray[np.bool_]

_CLOTHES, _SHOES, _FACE, _HAIR = (4, 5, 6, 7), (9, 10), 11, 2  # ATR, as the next line
_LEGS, _LEFT_ARM, _RIGHT_ARM = (12, 13), 14, 15
_TORSO, _HAND, _FOOT, _LEG, _UPPER_ARM, _HEAD = 1, 3, 5, 7, 15, 23  # DensePose
_HAND_REACH = 1.0  # of the forearm: a hand is shorter than that, and of an arm nothing else lies beyond the wrist
_HAND_LENGTH = 0.1  # of the person's height: where no pose says where the wrist is
_TORSO_WIDTH, _LIMB_WIDTH = 0.16, 0.07  # of the person's height
_LEAST_CONFIDENCE = 0.3  # of a joint


def maps_of_fashn(labels: Labels) -> LabelMaps:
    """Of FASHN's classes."""
    tables = (FASHN_TO_DENSEPOSE, FASHN_TO_LIP, FASHN_TO_ATR)
    return LabelMaps(*(renamed(labels, table) for table in tables))


def maps_of_atr(labels: Labels, joints: Joints | None = None) -> LabelMaps:
    """Of ATR's classes.

    Args:
        joints: (18, 3), COCO-18 in pixels of the labels, where a pose was found.
    """
    return LabelMaps(_body(labels, joints), renamed(labels, ATR_TO_LIP), labels)


def _body(labels: Labels, joints: Joints | None) -> Labels:
    body = np.zeros_like(labels)
    if joints is not None:
        _draw_body(body, joints, _height(labels != 0))
    body[np.isin(labels, (_LEFT_ARM, _RIGHT_ARM))] = _UPPER_ARM
    body[np.isin(labels, _LEGS)] = _LEG
    body[np.isin(labels, _SHOES)] = _FOOT
    body[labels == _FACE] = _HEAD
    body[_hands(labels, joints)] = _HAND
    return body


def _draw_body(body: Labels, joints: Joints, height: int) -> None:
    """The trunk and arms between joints that are known, under whatever covers them."""
    place = {name: joint for name, joint in zip(COCO_18, joints, strict=True) if joint[2] >= _LEAST_CONFIDENCE}

    def line(first: str, second: str, part: int, width: float) -> None:
        if first in place and second in place:
            start, end = ([int(value) for value in place[name][:2]] for name in (first, second))
            cv2.line(body, start, end, color=part, thickness=max(1, int(width * height)))

    for side in ("right", "left"):
        line(f"{side}_hip", f"{side}_knee", _LEG, _LIMB_WIDTH)
        line(f"{side}_knee", f"{side}_ankle", _LEG, _LIMB_WIDTH)
        line(f"{side}_shoulder", f"{side}_hip", _TORSO, _TORSO_WIDTH / 2)
        line(f"{side}_shoulder", f"{side}_elbow", _UPPER_ARM, _LIMB_WIDTH)
        line(f"{side}_elbow", f"{side}_wrist", _UPPER_ARM, _LIMB_WIDTH)
    corners = ("right_shoulder", "left_shoulder", "left_hip", "right_hip")
    if all(name in place for name in corners):
        cv2.fillConvexPoly(body, np.array([place[name][:2] for name in corners]).astype(np.int32), _TORSO)


def _hands(labels: Labels, joints: Joints | None) -> Mask:
    arms: Mask = np.isin(labels, (_LEFT_ARM, _RIGHT_ARM))
    forearms = [] if joints is None else _forearms(joints)
    if not forearms:
        return _far_ends(arms, np.isin(labels, _CLOTHES), _HAND_LENGTH * _height(labels != 0))
    # Parsers mistake left for right, so either wrist tells of any arm.
    for_hands: Mask = np.logical_or.reduce([_beyond(elbow, wrist, labels.shape) for elbow, wrist in forearms])
    return arms & for_hands


def _forearms(joints: Joints) -> list[tuple[Joints, Joints]]:
    """Elbow and wrist, (2,) each, of the arms that are seen."""
    pairs = [[joints[COCO_18.index(f"{side}_{name}")] for name in ("elbow", "wrist")] for side in ("left", "right")]
    return [(elbow[:2], wrist[:2]) for elbow, wrist in pairs if min(elbow[2], wrist[2]) >= _LEAST_CONFIDENCE]


def _beyond(elbow: Joints, wrist: Joints, shape: tuple[int, ...]) -> Mask:
    """Where one has passed the wrist, coming from the elbow, and is not too far from it."""
    forearm = wrist - elbow
    length = max(float(np.hypot(*forearm)), 1.0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    along = ((x - wrist[0]) * forearm[0] + (y - wrist[1]) * forearm[1]) / length
    near = np.hypot(x - wrist[0], y - wrist[1]) <= _HAND_REACH * length
    beyond: Mask = (along >= 0) & near
    return beyond


def _far_ends(arm: Mask, clothes: Mask, length: float) -> Mask:
    """Of each piece of an arm what lies within `length` of its point that is farthest from clothes."""
    count, pieces = cv2.connectedComponents(arm.astype(np.uint8))
    from_clothes = cv2.distanceTransform((~clothes).astype(np.uint8), cv2.DIST_L2, 5)
    ends = np.zeros(arm.shape, np.bool_)
    y, x = np.mgrid[: arm.shape[0], : arm.shape[1]]
    for piece in range(1, count):
        inside = pieces == piece
        end = np.unravel_index(np.where(inside, from_clothes, -1).argmax(), arm.shape)
        ends |= inside & (np.hypot(x - end[1], y - end[0]) <= length)
    return ends


def _height(person: Mask) -> int:
    rows = np.flatnonzero(person.any(1))
    return int(rows[-1] - rows[0] + 1) if len(rows) else 0
