"""Where clothes are in a photo: from a mask that was sent, or from labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.engines.pointcloth.codes import OutfitCode
from model.errors import InputError
from model.perception.label_maps import LabelMaps
from model.pictures.reading import Warn, read_picture
from model.tryon.given_mask import mask_levels

MaskLevels = NDArray[np.uint8]  # (H, W), 255 where clothes are

# Labels: upper clothes; skirt, trousers; dress.
_ATR = {"upper": (4,), "lower": (5, 6), "dress": (7,), "all": (4, 5, 6, 7)}


def given_mask(file: Path, field: str, size: tuple[int, int], warn: Warn) -> MaskLevels:
    """A mask that was sent for a photo of this size, width and height.

    Raises:
        InputError: it is no mask, of another size, or shows no clothes.
    """
    picture = read_picture(file, field, warn)
    if picture.size != size:
        message = f"'{field}' is {picture.width} x {picture.height}, its photo {size[0]} x {size[1]}"
        raise InputError(message, code=OutfitCode.BAD_MASK, field=field)
    try:
        levels = np.asarray(mask_levels(picture, "white_repaints"))
    except InputError as error:
        raise InputError(error.message, code=OutfitCode.BAD_MASK, field=field) from None
    return _not_empty(np.where(levels > 127, 255, 0).astype(np.uint8), field)


def labelled_mask(maps: LabelMaps, garment: str, field: str) -> MaskLevels:
    """The clothes that the parsers see.

    Raises:
        InputError: `no_person`: nobody is there; `empty_mask`: nobody wears that.
    """
    if not maps.densepose.any():
        raise InputError(f"nobody was found in '{field}'", code=OutfitCode.NO_PERSON, field=field)
    return _not_empty(np.where(np.isin(maps.atr, _ATR[garment]), 255, 0).astype(np.uint8), field)


def _not_empty(mask: MaskLevels, field: str) -> MaskLevels:
    if not mask.any():
        raise InputError(f"'{field}' shows no clothes to fit", code=OutfitCode.EMPTY_MASK, field=field)
    return mask
