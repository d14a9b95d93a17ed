"""How alike two pictures of one size are to the eye: SSIM."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from model.errors import InputError
from model.measures.exact_pair import Region
from model.tryon.pictures import image_tensor

_LEAST_SIDE = 11  # the window's


def ssim(result: Image.Image, truth: Image.Image, where: Region | None = None) -> float:
    """Structural similarity (Wang et al., 2004) of two RGB pictures: 1 for equal ones, for others less.

    Gaussian window of 11 pixels and sigma 1.5, colours as 0..1, the mean over channels and over the pixels of `where`,
    (H, W) bool (all of them if absent).

    Raises:
        InputError: the pictures differ in size or are smaller than the window, or the region is empty.
    """
    if result.size != truth.size:
        raise InputError(f"the result is {result.size}, its truth {truth.size}", field="result")
    if min(result.size) < _LEAST_SIDE:
        raise InputError(f"SSIM needs {_LEAST_SIDE} pixels a side, the picture is {result.size}", field="result")
    if where is not None and not where.any():
        raise InputError("SSIM over no pixel", field="where")
    with torch.inference_mode():
        mean, everywhere = structural_similarity_index_measure(
            _unit(result), _unit(truth), data_range=1.0, return_full_image=True
        )
    return float(mean if where is None else everywhere[0, :, torch.from_numpy(where)].mean())


def _unit(picture: Image.Image) -> Tensor:
    """(1, 3, H, W), 0..1."""
    return image_tensor(picture) / 2 + 0.5
