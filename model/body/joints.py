"""The joints of an SMPL-X body, in the model's order, and what other skeletons call them."""

from __future__ import annotations

_FINGERS = tuple(f"{finger}{bone}" for finger in ("index", "middle", "pinky", "ring", "thumb") for bone in (1, 2, 3))

JOINTS: tuple[str, ...] = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "jaw",
    "left_eye_smplhf",
    "right_eye_smplhf",
    *(f"left_{name}" for name in _FINGERS),
    *(f"right_{name}" for name in _FINGERS),
)

PARENTS: tuple[int, ...] = (
    *(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15),
    *(20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35, 20, 37, 38),  # left fingers, from the wrist outwards
    *(21, 40, 41, 21, 43, 44, 21, 46, 47, 21, 49, 50, 21, 52, 53),
)
"""Of each joint the one it hangs on, -1 for the pelvis; a parent comes before its children."""

# The bone that begins at the joint. What animators call the shoulder is `left_collar`, and `left_foot` is the toes.
_VRM_TRUNK = {
    "pelvis": "hips",
    "spine1": "spine",
    "spine2": "chest",
    "spine3": "upperChest",
    "neck": "neck",
    "head": "head",
    "jaw": "jaw",
}
_VRM_SIDE = {
    "hip": "UpperLeg",
    "knee": "LowerLeg",
    "ankle": "Foot",
    "foot": "Toes",
    "collar": "Shoulder",
    "shoulder": "UpperArm",
    "elbow": "LowerArm",
    "wrist": "Hand",
    "eye_smplhf": "Eye",
    **{f"thumb{i}": f"Thumb{bone}" for i, bone in enumerate(("Metacarpal", "Proximal", "Distal"), 1)},
    **{
        f"{ours}{i}": f"{theirs}{bone}"
        for ours, theirs in (("index", "Index"), ("middle", "Middle"), ("ring", "Ring"), ("pinky", "Little"))
        for i, bone in enumerate(("Proximal", "Intermediate", "Distal"), 1)
    },
}
_MIXAMO_TRUNK = {
    "pelvis": "Hips",
    "spine1": "Spine",
    "spine2": "Spine1",
    "spine3": "Spine2",
    "neck": "Neck",
    "head": "Head",
}
_MIXAMO_SIDE = {
    "hip": "UpLeg",
    "knee": "Leg",
    "ankle": "Foot",
    "foot": "ToeBase",
    "collar": "Shoulder",
    "shoulder": "Arm",
    "elbow": "ForeArm",
    "wrist": "Hand",
    **{name: f"Hand{name.capitalize()}" for name in _FINGERS},
}

VRM: dict[str, str] = {
    **_VRM_TRUNK,
    **{f"{side}_{ours}": f"{side}{theirs}" for side in ("left", "right") for ours, theirs in _VRM_SIDE.items()},
}
"""Joint -> humanoid bone of VRM 1.0. Every joint has one."""

MIXAMO: dict[str, str] = {
    **_MIXAMO_TRUNK,
    **{
        f"{side}_{ours}": f"{side.capitalize()}{theirs}"
        for side in ("left", "right")
        for ours, theirs in _MIXAMO_SIDE.items()
    },
}
"""Joint -> bone of Mixamo, without its `mixamorig:` prefix. It has no jaw, and its eyes are not everywhere."""
