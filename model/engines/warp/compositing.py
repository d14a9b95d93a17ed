"""The networks' answer at the photo's own size: fields are enlarged, the garment is sampled as sharp as it came.

Pixels that are neither old garment nor under the new one are not touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.engines.warp.garment import FlatGarment
from model.engines.warp.grids import sampled
from model.engines.warp.guided_filter import guided
from model.engines.warp.inputs import HEIGHT
from model.engines.warp.network import Fields, shaded

Levels = NDArray[np.uint8]  # (h, w, 3)
Plane = NDArray[np.float32]  # (h, w)

_SHARPEST = 4.0  # times by which the region's logits may be raised: the outline of a large picture is no wider
_GUIDE_RADIUS = 1 / 48  # of the height
_SEAM = 1 / 256  # of the height, inside the mask
_NOTHING = 1 / 128  # shares below this change no pixel


@dataclass(frozen=True)
class Dressed:
    """result, cloth: (h, w, 3), the photo in the garment and the garment alone as it is worn. region: (h, w) 0..1.
    flow: (h, w, 2), in the flat picture as the client sent it, -1..1."""

    result: Levels
    cloth: Levels
    region: Plane
    flow: NDArray[np.float32]


def dressed(photo: Levels, mask: Plane, hole: Plane, garment: FlatGarment, fields: Fields) -> Dressed:
    """
    Args:
        photo: (h, w, 3), what the networks saw a small version of.
        mask: (h, w), 1 where anything may change. hole: (h, w) 0..1, where the old garment is.
        fields: of one row.
    """
    size = photo.shape[:2]
    flow = _enlarged(fields.flow, size)
    picture, alpha = garment.for_flow(fields.flow, size)
    cloth = shaded(sampled(picture, flow), _enlarged(fields.shade, size))
    region = _region(fields.logits, sampled(alpha, flow, "zeros"), size) * _inside(mask)
    hole = guided(photo, hole, max(2, round(_GUIDE_RADIUS * size[0]))) * _inside(mask)
    hole[hole < _NOTHING] = 0
    region[region < _NOTHING] = 0
    painted, worn = (_levels(tensor) for tensor in (_enlarged(fields.painted, size), cloth))
    under = _mixed(photo.astype(np.float32), painted, hole)
    result = _mixed(under, worn, region)
    return Dressed(_bytes(result), _bytes(worn), region, garment.as_sent(flow))


def _region(logits: Tensor, alpha: Tensor, size: tuple[int, int]) -> Plane:
    """(h, w): the networks say where roughly, the garment's own outline where exactly."""
    sharp = min(_SHARPEST, max(1.0, size[0] / HEIGHT / 2))
    region = torch.sigmoid(_enlarged(logits, size) * sharp) * alpha
    return np.ascontiguousarray(region[0, 0].numpy())


def _inside(mask: Plane) -> Plane:
    """The mask with an edge that falls to nothing within it."""
    width = 2 * max(1, round(_SEAM * len(mask))) + 1
    shrunk = cv2.erode(mask, np.ones((width, width), np.uint8), borderValue=1)
    return np.asarray(cv2.blur(shrunk, (width, width)) * (mask > 0), np.float32)


def _enlarged(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, then the mean over a cell: quadratic splines, which keep straight lines straight and have no kinks."""
    height, width = size
    cell = 2 * round(height / plane.shape[2] / 2) + 1
    large = cv2.resize(np.ascontiguousarray(plane[0].float().permute(1, 2, 0).numpy()), (width, height))
    smooth = np.asarray(cv2.blur(large, (cell, cell))).reshape(height, width, -1)
    return torch.from_numpy(smooth).permute(2, 0, 1)[None]


def _mixed(below: NDArray[np.float32], above: NDArray[np.float32], share: Plane) -> NDArray[np.float32]:
    return below + share[..., None] * (above - below)


def _levels(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray((tensor[0].permute(1, 2, 0).numpy() + 1) * np.float32(127.5))


def _bytes(levels: NDArray[np.float32]) -> Levels:
    return (levels.clip(0, 255) + np.float32(0.5)).astype(np.uint8)
