"""SMPL-X's 55 joints, in its order, and the bones of Anny that move as they do."""

from __future__ import annotations

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_ANNY_FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}

# Joint -> parent.
JOINTS: dict[str, str | None] = {
    "pelvis": None,
    "left_hip": "pelvis",
    "right_hip": "pelvis",
    "spine1": "pelvis",
    "left_knee": "left_hip",
    "right_knee": "right_hip",
    "spine2": "spine1",
    "left_ankle": "left_knee",
    "right_ankle": "right_knee",
    "spine3": "spine2",
    "left_foot": "left_ankle",
    "right_foot": "right_ankle",
    "neck": "spine3",
    "left_collar": "spine3",
    "right_collar": "spine3",
    "head": "neck",
    "left_shoulder": "left_collar",
    "right_shoulder": "right_collar",
    "left_elbow": "left_shoulder",
    "right_elbow": "right_shoulder",
    "left_wrist": "left_elbow",
    "right_wrist": "right_elbow",
    "jaw": "head",
    "left_eye_smplhf": "head",
    "right_eye_smplhf": "head",
}
for _side in ("left", "right"):
    for _finger in _FINGERS:
        JOINTS[f"{_side}_{_finger}1"] = f"{_side}_wrist"
        JOINTS[f"{_side}_{_finger}2"] = f"{_side}_{_finger}1"
        JOINTS[f"{_side}_{_finger}3"] = f"{_side}_{_finger}2"

PARENTS: tuple[int, ...] = tuple(-1 if parent is None else list(JOINTS).index(parent) for parent in JOINTS.values())

# Joint -> the bones it heads; bones that stand nowhere here follow their nearest ancestor that does.
BONES: dict[str, tuple[str, ...]] = {
    "pelvis": ("root",),
    "spine1": ("spine04",),
    "spine2": ("spine03",),
    "spine3": ("spine02",),
    "neck": ("neck01",),
    "head": ("head",),
    "jaw": (),
}
for _side, _end in (("left", "L"), ("right", "R")):
    _limbs = {
        "hip": "upperleg01",
        "knee": "lowerleg01",
        "ankle": "foot",
        "collar": "clavicle",
        "shoulder": "upperarm01",
        "elbow": "lowerarm01",
        "wrist": "wrist",
        "eye_smplhf": "eye",
    }
    BONES |= {f"{_side}_{joint}": (f"{bone}.{_end}",) for joint, bone in _limbs.items()}
    BONES[f"{_side}_foot"] = tuple(f"toe{toe}-1.{_end}" for toe in range(1, 6))
    for _finger, _number in _ANNY_FINGERS.items():
        BONES |= {f"{_side}_{_finger}{part}": (f"finger{_number}-{part}.{_end}",) for part in (1, 2, 3)}
