"""From a pass's pictures to what the networks see."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from model.pictures.colour import srgb
from model.tryon.painter import Pass
from model.tryon.pictures import Size, crop_resize, image_tensor, mask_tensor, pad_resize, part_mask

_GREY = 127  # stands where the mask is, in pictures of 8 bits
_PAINTED_FROM = 127  # a given mask's level, as published; elsewhere here it is 128


@dataclass(frozen=True)
class PassPictures:
    """The pictures of one pass, on the host."""

    person: Tensor  # (1, 3, H, W) in [-1, 1]
    masked: Tensor  # the same, grey where to paint
    mask: Tensor  # (1, 1, H, W), 1 where to paint
    garment: Image.Image  # RGB, W x H


def prepared(dressing: Pass, size: Size) -> PassPictures:
    """The part of the photo that is painted, and the garment whole, on white.

    Raises:
        InputError: `mask_empty` or `mask_covers_all`.
    """
    assert dressing.mask is not None  # noqa: S101 - this engine paints within masks only
    person = image_tensor(srgb(crop_resize(dressing.photo, size, dressing.box)))
    return _masked(person, part_mask(dressing.mask, size, dressing.box), pad_resize(dressing.garment, size))


def stretched(dressing: Pass, size: Size) -> PassPictures:
    """All as the published script does it, whatever the aspect."""
    assert dressing.mask is not None  # noqa: S101 - likewise
    person = image_tensor(srgb(dressing.photo).convert("RGB").resize(size, Resampling.BICUBIC))
    decided = dressing.mask.point(lambda level: 255 if level >= _PAINTED_FROM else 0)
    mask = mask_tensor(decided.resize(size, Resampling.NEAREST))
    return _masked(person, mask, dressing.garment.resize(size, Resampling.BICUBIC))


def _masked(person: Tensor, mask: Tensor, garment: Image.Image) -> PassPictures:
    return PassPictures(person, torch.where(mask > 0, _GREY / 127.5 - 1, person), mask, garment)


def mask_at(mask: Tensor, latents: Tensor) -> Tensor:
    """The mask (..., H, W) as large as the latents (..., h, w): its value where each one begins, as published."""
    (height, width), (h, w) = mask.shape[-2:], latents.shape[-2:]
    rows, columns = torch.arange(h) * height // h, torch.arange(w) * width // w
    return mask[..., rows[:, None], columns]
