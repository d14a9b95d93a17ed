"""Label maps of what each pixel shows, in the classes of LIP, ATR and DensePose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.clothes.arrays import Values
from model.clothes.buffers import BodyLayer, Buffers
from model.clothes.cloth_coordinates import SEAM_SLOPE, on_sleeve
from model.synthetic.fabrics.garments import Garment
from model.synthetic.people.faces import FACE_FROM, hair_depth

Labels = NDArray[np.uint8]

# On the built-in body's template, metres: |x| of elbow and wrist, heights of the others. All but the hip, where the
# trunk's front goes over into the thighs, are joints; a bare shoulder begins nearer to the neck than a sleeve does.
_BARE_SHOULDER_FROM, _ARMPIT = 0.265, 0.34
_ELBOW, _WRIST = 0.434, 0.665
_KNEE, _ANKLE, _HIP, _HIP_WIDTH = -0.394, -0.82, -0.12, 0.17
_ARM_AXIS, _HEAD_FROM = 0.445, 0.565  # the head begins between its joint and the neck's
_HAIR_IN_FRONT = -0.03  # hair that falls over shoulders, farther forward than this, hides the chest


def halved(buffers: Buffers) -> Buffers:
    """Every second pixel of every second row: labels cannot be averaged."""
    return Buffers(*(np.ascontiguousarray(plane[::2, ::2]) for plane in vars(buffers).values()))


def lip_labels(buffers: Buffers, lower: Garment | None) -> Labels:
    """(H, W) of LIP's 20 classes. lower: the garment of layer LOWER, which may be trousers or a skirt.

    As in the published set, the neck and the bare chest belong to no class.
    """
    return _parsed(buffers, _LIP, lower)


def atr_labels(buffers: Buffers, lower: Garment | None) -> Labels:
    """(H, W) of ATR's 18 classes, where the neck belongs to the face."""
    return _parsed(buffers, _ATR, lower)


# Left is the person's own.
_LIP = {
    "hair": 2, "upper": 5, "dress": 6, "trousers": 9, "skirt": 12, "face": 13, "neck": 0,
    "left_arm": 14, "right_arm": 15, "left_leg": 16, "right_leg": 17, "left_shoe": 18, "right_shoe": 19,
}  # fmt: skip
_ATR = {
    "hair": 2, "upper": 4, "dress": 7, "trousers": 6, "skirt": 5, "face": 11, "neck": 11,
    "left_arm": 14, "right_arm": 15, "left_leg": 12, "right_leg": 13, "left_shoe": 9, "right_shoe": 10,
}  # fmt: skip


def _parsed(buffers: Buffers, classes: dict[str, int], lower: Garment | None) -> Labels:
    below = "skirt" if lower is not None and lower.kind == "skirt" else "trousers"
    table = np.zeros(len(BodyLayer), np.uint8)
    for layer, name in (
        (BodyLayer.EYES, "face"),
        (BodyLayer.HAIR, "hair"),
        (BodyLayer.UPPER, "upper"),
        (BodyLayer.LOWER, below),
        (BodyLayer.ONE_PIECE, "dress"),
    ):
        table[layer] = classes[name]
    labels = table[buffers.layers]
    flat = labels.ravel()
    shoes, skin = (np.flatnonzero(buffers.layers == layer) for layer in (BodyLayer.SHOES, BodyLayer.SKIN))
    left = buffers.places.reshape(-1, 3)[shoes, 0] > 0
    flat[shoes] = np.where(left, classes["left_shoe"], classes["right_shoe"])
    flat[skin] = _skin_labels(buffers.places.reshape(-1, 3)[skin], classes)
    return labels


def _skin_labels(places: Values, classes: dict[str, int]) -> Values:
    x, y, z = places.T
    left = x > 0
    arm = np.where(left, classes["left_arm"], classes["right_arm"])
    leg = np.where(left, classes["left_leg"], classes["right_leg"])
    labels = np.where(_on_leg(x, y), leg, classes["neck"])
    labels = np.where(on_sleeve(places) | _on_shoulder(x, y), arm, labels)
    labels = np.where(y + 0.25 * z > FACE_FROM, classes["face"], labels)
    return np.where(hair_depth(places) > 0, classes["hair"], labels)


def densepose_labels(buffers: Buffers) -> Labels:
    """(H, W) of DensePose's 24 parts, 0 where nobody is: the body's surfaces, clothed or not.

    Parts come as right, left (legs, head) or left, right (arms): 1 and 2 back and front of the trunk; 3, 4 hands; 5, 6
    feet, left first; 7 to 10 thighs and 11 to 14 lower legs, behind, then in front; 15 to 18 upper arms and 19 to 22
    forearms, inside, then outside; 23, 24 head.
    """
    index = np.flatnonzero(buffers.layers)
    places = buffers.places.reshape(-1, 3)[index]
    x, y, z = places.T
    hair = buffers.layers.ravel()[index] == BodyLayer.HAIR
    left, front = x > 0, z > np.where(hair, _HAIR_IN_FRONT, 0.02)
    across = np.abs(x)
    parts = np.where(front, 2, 1)
    leg = np.where(y > _KNEE, 7, 11) + left + 2 * (z > 0.02 + 0.02 * (y > _KNEE))
    parts = np.where(_on_leg(x, y), leg, parts)
    parts = np.where(y < _ANKLE, np.where(left, 5, 6), parts)
    arm = np.where(across < _ELBOW, 15, 19) + ~left + 2 * (y > _ARM_AXIS)
    arm = np.where(across > _WRIST, np.where(left, 4, 3), arm)
    parts = np.where(on_sleeve(places), arm, parts)
    parts = np.where((y > _HEAD_FROM) & (across < 0.15), np.where(left, 24, 23), parts)
    labels = np.zeros(buffers.layers.shape, np.uint8)
    labels.ravel()[index] = parts
    return labels


def _on_shoulder(x: Values, y: Values) -> Values:
    """What straps leave bare: to the eye it belongs to the arm."""
    return (np.abs(x) + np.float32(SEAM_SLOPE) * y > _BARE_SHOULDER_FROM) & (y > _ARMPIT)


def _on_leg(x: Values, y: Values) -> Values:
    """Below the crease of the groin."""
    return y < np.float32(_HIP) + np.float32(0.5) * np.minimum(np.abs(x), np.float32(_HIP_WIDTH))
