"""Published files that say nothing of themselves: how each is asked.

A file is known by its sha256 (asked only of files of the right length); else by its input's name and shape and its
outputs, where no other published file has them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.perception.profile import Profile

InputShape = Sequence[int | str | None]


@dataclass(frozen=True)
class Signature:
    """What a session says of a network. outputs: the shape of each."""

    input_name: str
    input_shape: InputShape
    outputs: Sequence[InputShape]


@dataclass(frozen=True)
class Published:
    """A file and how it is asked. length, sha256: of the published file, where they are known.

    loses_borders: a matting network that often misses what the photo's border cuts.
    """

    name: str
    profile: Profile
    length: int = 0
    sha256: str = ""
    loses_borders: bool = False


# SCHP's statistics are those of blue, green and red; the published try-on shows it pictures of red, green and blue.
SCHP_PROFILE = Profile(
    geometry="affine", channel_order="RGB", mean=(0.406, 0.456, 0.485), std=(0.225, 0.224, 0.229), output=1
)
_SCHP_LIP = Published(
    "SCHP (LIP)",
    SCHP_PROFILE.model_copy(update={"labels": "lip"}),
    266_863_411,
    "8436e1dae96e2601c373d1ace29c8f0978b16357d9038c17a8ba756cca376dbc",
)
_SCHP_ATR = Published(
    "SCHP (ATR)",
    SCHP_PROFILE.model_copy(update={"labels": "atr"}),
    266_859_305,
    "04c7d1d070d0e0ae943d86b18cb5aaaea9e278d97462e9cfb270cbbe4cd977f4",
)
# Both give shares, not logits, in their first output; the others are of coarser levels.
_U2NET = Published("U2-Net", Profile(resize="lanczos"), loses_borders=True)
_ISNET = Published("IS-Net", Profile(resize="lanczos", mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0)))
# Levels of 0..1, channels last.
_BLAZE_POSE = Published("BlazePose", Profile(layout="nhwc", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)))

BY_DIGEST = (_SCHP_LIP, _SCHP_ATR)


def published(file: Path, signature: Signature) -> Published | None:
    """The built-in description of this file, if it is one of those known."""
    length = file.stat().st_size
    for one in BY_DIGEST:
        if one.length == length and _digest(file) == one.sha256:
            return one
    return _by_signature(signature)


def _by_signature(signature: Signature) -> Published | None:
    shape, outputs = list(signature.input_shape), [list(output) for output in signature.outputs]
    if signature.input_name == "input.1" and len(outputs) == 3:
        if shape == [1, 3, 473, 473]:
            return _SCHP_LIP
        if shape == [1, 3, 512, 512]:
            return _SCHP_ATR
    if signature.input_name == "input.1" and shape == [1, 3, 320, 320] and len(outputs) == 7:
        return _U2NET
    if shape == [1, 3, 1024, 1024] and outputs[-1] == [1, 512, 16, 16]:
        return _ISNET
    if shape == [1, 256, 256, 3] and outputs[0] == [1, 195]:
        return _BLAZE_POSE
    return None


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
