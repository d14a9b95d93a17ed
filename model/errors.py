"""What can go wrong while computing.

EngineError
├── InputError        the request or a picture cannot be used; the client must change it
├── MemoryError_      the job does not fit the device even when it is alone there
├── DeviceLostError   the device no longer answers; only a new process helps
└── WeightsError      a checkpoint is absent, incomplete or of another shape
"""

from __future__ import annotations

from model.codes import Code, CommonCode, LocalCode


class EngineError(Exception):
    """Base of all. `code` is stable and machine readable, `field` names the request field at fault."""

    code: Code = CommonCode.INTERNAL

    def __init__(self, message: str, *, code: Code | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.field = field


class InputError(EngineError):
    """The client's picture or field cannot be used. Retrying the same request cannot help."""

    code = LocalCode.UNUSABLE_INPUT


class DeviceMemoryError(EngineError):
    """The job needs more device memory than there is."""

    code = CommonCode.OUT_OF_MEMORY


class DeviceLostError(EngineError):
    """The device stopped working (a CUDA context cannot be used again after such an error)."""

    code = LocalCode.DEVICE_LOST


class WeightsError(EngineError):
    """A checkpoint cannot be loaded as it is."""

    code = LocalCode.BAD_WEIGHTS
