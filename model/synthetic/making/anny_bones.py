"""The bones of Anny that move as SMPL-X's joints do."""

from __future__ import annotations

_ANNY_FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}  # as Anny numbers them

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
