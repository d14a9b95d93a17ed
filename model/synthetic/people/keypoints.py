"""OpenPose's 18 body keypoints in COCO's order, from the joints of a posed body (Cao et al. 2019)."""

from __future__ import annotations

import numpy as np

from model.body.joints import JOINTS
from model.clothes.arrays import Floats

NAMES = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip

_INDEX = {name: i for i, name in enumerate(JOINTS)}
_HEAD, _LEFT_EYE, _RIGHT_EYE = _INDEX["head"], _INDEX["left_eye_smplhf"], _INDEX["right_eye_smplhf"]
_DEEP = 0.13  # metres a joint may lie below the surface that is seen before it

# On the template's head, between the eyes and with half their distance as the unit: to its left, up, forwards.
_ON_HEAD = {
    "nose": (0.0, -1.30, 1.39),
    "left_eye": (1.0, 0.0, 0.52),
    "right_eye": (-1.0, 0.0, 0.52),
    "left_ear": (2.52, -0.61, -2.55),
    "right_ear": (-2.52, -0.61, -2.55),
}
# How the line from the head's joint to between the eyes leans on the template: up and forwards.
_LEAN = np.array([0.042, 0.079]) / np.hypot(0.042, 0.079)


def keypoints(joints: Floats) -> Floats:
    """(18, 3) metres, of joints (55, 3) in the same space."""
    points = {name: joints[i] for name, i in _INDEX.items()} | _on_head(joints)
    points["neck"] = (joints[_INDEX["left_shoulder"]] + joints[_INDEX["right_shoulder"]]) / 2
    return np.stack([points[name] for name in NAMES]).astype(np.float32)


def with_visibility(pixels: Floats, depths_of_points: Floats, depths: Floats) -> Floats:
    """(18, 3): x, y and 1 where seen, 0.5 where something nearer hides it; all zero outside the picture.

    Args:
        pixels: (18, 2), x and y; the first pixel's middle is at 0.5, 0.5.
        depths_of_points: (18,) metres from the camera.
        depths: (H, W) metres of what is seen, zero where nothing is.
    """
    height, width = depths.shape
    columns, rows = np.floor(pixels).astype(np.int64).T
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    seen = depths[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    hidden = (seen > 0) & (seen < depths_of_points - _DEEP)
    confidence = np.where(hidden, 0.5, 1.0)[:, None]
    found = np.concatenate([pixels, confidence], 1) * inside[:, None]
    return np.asarray(found, np.float32)


def _on_head(joints: Floats) -> dict[str, Floats]:
    left, right, head = joints[_LEFT_EYE], joints[_RIGHT_EYE], joints[_HEAD]
    middle, across = (left + right) / 2, (left - right) / 2
    unit = np.linalg.norm(across)
    to_left = across / unit
    slant = middle - head
    slant = slant - (slant @ to_left) * to_left
    slant = slant / np.linalg.norm(slant)
    square = np.cross(to_left, slant)  # behind and above the slant when turned by its lean
    up, forwards = (_LEAN[0] * slant - _LEAN[1] * square, _LEAN[1] * slant + _LEAN[0] * square)
    axes = unit * np.stack([to_left, up, forwards])
    return {name: middle + np.asarray(offset) @ axes for name, offset in _ON_HEAD.items()}
