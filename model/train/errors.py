"""What can go wrong before a training starts.

EngineError
├── DataSetError      a data set lacks a file, or a file of it cannot be used
└── SettingsError     settings that cannot go together, or not with the checkpoint to be continued
"""

from __future__ import annotations

from model.codes import LocalCode
from model.errors import EngineError


class DataSetError(EngineError):
    """A data set cannot be read. The message names the file."""

    code = LocalCode.BAD_DATA_SET


class SettingsError(EngineError):
    """Settings do not fit each other or a checkpoint. The message names setting and value."""

    code = LocalCode.BAD_SETTINGS
