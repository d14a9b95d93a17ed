"""Error codes: what a client's program tells failures apart by. The front and each engine have an enum of their own."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """Base of the enums. `status` is the HTTP status a code is sent with, `when` its sentence in the documents."""

    status: int
    when: str

    def __new__(cls, code: str, status: int, when: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.status = status
        member.when = when
        return member


class CommonCode(Code):
    """What the front and every engine may say."""

    INVALID_FIELD = "invalid_field", 422, "a field is missing, unknown or out of range"
    IMAGE_UNREADABLE = (
        "image_unreadable",
        422,
        "a picture that begins well cannot be decoded, or ends early; `detail` says at how many percent",
    )
    INTERNAL = "internal", 500, "a bug of ours"
    DISK_FULL = "disk_full", 503, "no room for jobs"
    OUT_OF_MEMORY = "out_of_memory", 507, "it does not fit the device even alone"


class LocalCode(Code):
    """What ends a worker or a command of ours, and is never sent."""

    UNUSABLE_INPUT = "unusable_input", 500, "a picture or a field cannot be used"
    NO_PHOTOS = "no_photos", 500, "a folder holds no picture"
    NO_STAGE = "no_stage", 500, "a stage to go on from has left nothing"
    BAD_DATA_SET = "bad_data_set", 500, "a data set cannot be read"
    BAD_SETTINGS = "bad_settings", 500, "the settings of a training"
    BAD_WEIGHTS = "bad_weights", 500, "a checkpoint cannot be loaded as it is"
    DEVICE_LOST = "device_lost", 500, "the device does not answer any more"


Codes = tuple[type[Code], ...]
