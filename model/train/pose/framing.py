"""Somebody as the network is shown people: framed by a box, in many variations, and where each joint is then."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.perception.boxes import PersonBox
from model.perception.skeletons import COCO_18
from model.train.parsing.augmentation import focused, lit
from model.train.parsing.people import ParsedPeople
from model.train.pose.network import HEIGHT, JOINTS, WIDTH

Photo = NDArray[np.uint8]  # (H, W, 3)
JointTargets = NDArray[np.float32]  # (17, 3): x, y in the network's pixels, and how sure it should be
FrameMatrix = NDArray[np.float64]  # (2, 3): from the network's pixels to the photo's

_SIDED = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO_17 = ("nose", *(f"{side}_{name}" for name in _SIDED for side in ("left", "right")))
_OF_COCO_18 = [COCO_18.index(name) for name in COCO_17]
_MIRRORED = [0, *(i + (1 if i % 2 else -1) for i in range(1, JOINTS))]  # the nose, then left and right by turns

MARGIN = 1.25  # of the frame around a person's box, as DWPose's networks are asked
_SIZES, _ASIDE, _TURN = (0.8, 1.3), 0.08, 20.0  # times, share of the box, degrees
_HALF_BODY = 0.25  # share of frames that show only a part of somebody


def box_of(labels: NDArray[np.uint8]) -> PersonBox:
    """Around whatever has a label in (maps, H, W); around everything where nothing has."""
    shown = np.asarray(labels.any(0))
    if not shown.any():
        return 0.0, 0.0, float(labels.shape[2]), float(labels.shape[1])
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def framed(people: ParsedPeople, i: int) -> tuple[Photo, JointTargets]:
    """A photo as the network is shown it in service, (192, 144, 3) uint8, and its joints."""
    return _seen(people, i, frame_of(box_of(people.labels[i])))


def varied(people: ParsedPeople, i: int, rng: np.random.Generator) -> tuple[Photo, JointTargets]:
    """The same as somebody else might have taken it: a part of the person, another frame, a turn, other light."""
    left, top, right, bottom = box_of(people.labels[i])
    if rng.uniform() < _HALF_BODY:
        cut = rng.uniform(0.4, 0.9) * (bottom - top)
        top, bottom = (top, top + cut) if rng.uniform() < 0.6 else (bottom - cut, bottom)
    aside = rng.uniform(-_ASIDE, _ASIDE, 2) * (right - left, bottom - top)
    box = left + aside[0], top + aside[1], right + aside[0], bottom + aside[1]
    turn = np.radians(rng.uniform(-_TURN, _TURN)) if rng.uniform() < 0.6 else 0.0
    photo, joints = _seen(people, i, frame_of(box, rng.uniform(*_SIZES), turn))
    if rng.uniform() < 0.5:
        photo, joints = mirrored(photo, joints)
    return lit(focused(photo, rng), rng), joints


def mirrored(photo: Photo, joints: JointTargets) -> tuple[Photo, JointTargets]:
    """Left and right exchanged, in names too."""
    turned = joints[_MIRRORED]
    turned[:, 0] = np.where(turned[:, 2] > 0, photo.shape[1] - 1 - turned[:, 0], 0)
    return np.ascontiguousarray(photo[:, ::-1]), turned


def frame_of(box: PersonBox, size: float = 1.0, turn: float = 0.0) -> FrameMatrix:
    """The box with a margin, grown to the network's aspect, `size` times as large, turned by radians."""
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    reach = size * MARGIN * max((box[2] - box[0]) / WIDTH, (box[3] - box[1]) / HEIGHT)
    axes = reach * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.concatenate([axes, (centre - axes @ [WIDTH / 2, HEIGHT / 2])[:, None]], 1)


def _seen(people: ParsedPeople, i: int, frame: FrameMatrix) -> tuple[Photo, JointTargets]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    photo = np.asarray(cv2.warpAffine(people.photos[i], frame, (WIDTH, HEIGHT), flags=flags), np.uint8)
    joints = people.joints[i][_OF_COCO_18].astype(np.float64)
    # For OpenCV the first pixel's middle is at 0, 0.
    places = np.linalg.solve(frame[:, :2], (joints[:, :2] - 0.5 - frame[:, 2]).T).T
    inside = (joints[:, 2] > 0) & (places >= 0).all(1) & (places < (WIDTH, HEIGHT)).all(1)
    targets = np.concatenate([places, joints[:, 2:]], 1) * inside[:, None]
    return photo, targets.astype(np.float32)
