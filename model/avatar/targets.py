"""What the reconstruction is fitted to: six pictures of world normals and the silhouettes in their alpha."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

# Mattes are a little too wide: so many pixels are taken off all around, of pictures so wide.
_EROSION, _EROSION_SIZE = 2, 1024


@dataclass(frozen=True)
class Targets:
    """normals: (views, size, size, 3) in 0..1, black outside. masks: (views, size, size, 1) in 0..1."""

    normals: Tensor
    masks: Tensor


def targets(pictures: Sequence[Image.Image], size: int, *, reference: bool = False) -> Targets:
    """Read pictures of normals.

    Args:
        pictures: RGBA; (n + 1) / 2 of world normals n, with the person's matte.
        size: to which they are resized. The masks lose the same share of it all around, two pixels of 1024.
        reference: they lose two pixels of any size, to the left and right only, as published.
    """
    erosion = _EROSION if reference else round(_EROSION * size / _EROSION_SIZE)
    resized = [
        np.asarray(picture.convert("RGBA").resize((size, size), Image.Resampling.BILINEAR)) for picture in pictures
    ]
    pixels = torch.from_numpy(np.stack(resized)).float() / 255  # (views, size, size, 4)
    masks = eroded(pixels[..., 3], erosion, rows_only=reference)[..., None]
    return Targets(pixels[..., :3] * masks, masks)


def eroded(masks: Tensor, by: int, *, rows_only: bool = False) -> Tensor:
    """The least value within `by` pixels in the row and, unless `rows_only`, in the column; nothing is lost at borders.

    masks: (views, H, W).
    """
    masks = -F.max_pool2d(-masks, (1, 2 * by + 1), stride=1, padding=(0, by))
    return masks if rows_only else -F.max_pool2d(-masks, (2 * by + 1, 1), stride=1, padding=(by, 0))
