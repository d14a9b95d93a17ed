"""Archives of arrays (npz), read without ever opening a pickle."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from model.errors import WeightsError


def read_archive(file: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Those of the named arrays that the archive has.

    Raises:
        WeightsError: the file cannot be read, is no archive, or an array is a pickle.
    """
    try:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            raise WeightsError(f"{file}: one array, expected an archive of several")
        with content:
            return {name: content[name] for name in names if name in content.files}
    except (OSError, ValueError, BadZipFile) as error:
        raise WeightsError(f"{file}: not an archive of arrays: {error}") from error
