"""From a photo to the mask that a kind of garment needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from model.errors import InputError
from model.perception.files import label_map_files
from model.perception.label_maps import Labelling, LabelMaps
from model.pictures.colour import srgb
from model.runtime.device import Device
from model.tryon.automask import agnostic_mask
from model.tryon.codes import TryOnCode
from model.tryon.pictures import black_and_white
from model.tryon.request import Category

# The published masker was shown pictures of 768 x 1024. Its margins follow the size; its networks see less than that.
_LONGEST_SIDE = 1024


class Masker:
    """Finds where to paint. Without its weights it only says so."""

    def __init__(self, weights: Path, device: Device) -> None:
        self._device = device
        self._missing = [file.relative_to(weights) for file in label_map_files(weights) if not file.is_file()]
        self.makers = [] if self._missing else ["published"]
        self._labelling = None if self._missing else Labelling(weights, device)

    async def __call__(self, photo: Image.Image, category: Category) -> Image.Image:
        """The mask (L, 0 or 255) at the photo's size, white where a garment of this category is to be painted.

        Raises:
            InputError: `no_automask`, `no_person`, `mask_empty` or `mask_covers_all`.
        """
        if self._labelling is None:
            message = f"no mask was sent, and {self._missing[0]} is not there to find one: send a 'mask'"
            raise InputError(message, code=TryOnCode.NO_AUTOMASK, field="mask")
        maps = await self._labelling(await self._device.cpu(lambda: small(photo)))
        return await self._device.cpu(lambda: mask_from(maps, category, photo.size))


def small(photo: Image.Image) -> Image.Image:
    """In sRGB, the longer side at most 1024."""
    picture = photo.convert("RGB")
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Resampling.LANCZOS)
    return srgb(picture)


def mask_from(maps: LabelMaps, category: Category, size: tuple[int, int]) -> Image.Image:
    """The mask at `size`, if it is one that can be worked with."""
    if not maps.densepose.any():
        raise InputError("nobody was found in the photo", code=TryOnCode.NO_PERSON, field="person")
    mask = agnostic_mask(maps, category)
    if not mask.any():
        message = f"nothing was found where a garment of category '{category}' goes: send a 'mask'"
        raise InputError(message, code=TryOnCode.MASK_EMPTY, field="mask")
    if mask.all():
        message = f"the automatic mask for category '{category}' leaves nothing of the person: send a 'mask'"
        raise InputError(message, code=TryOnCode.MASK_COVERS_ALL, field="mask")
    return at_size(Image.fromarray(mask * np.uint8(255)), size)


def at_size(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The mask enlarged with smooth outlines, still black and white."""
    if mask.size == size:
        return mask
    return black_and_white(mask.resize(size, Resampling.BILINEAR))
