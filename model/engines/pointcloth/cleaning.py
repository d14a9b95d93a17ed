"""Where an outfit may be painted at all: inside its flooded cloud, and not behind the body."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.engines.pointcloth.point_raster import splatted
from model.engines.pointcloth.visibility import SeenPoints

FLOOD_RADIUS = 6.0  # pixels
_WINDOW = 31  # pixels a side within which the nearest cloth counts
_FAR = 100.0  # tens of metres: behind everything, as published


def filled(coverage: Tensor) -> Tensor:
    """(B, 1, S, S) bool: covered pixels and the holes among them, seen from the picture's first pixel."""
    masks = []
    for plane in (coverage[:, 0] > 0).cpu().numpy():
        flooded = plane.astype(np.uint8)
        cv2.floodFill(flooded, None, (0, 0), 2)
        masks.append(flooded != 2)
    return torch.from_numpy(np.stack(masks))[:, None].to(coverage.device)


def nearest_cloth(seen: SeenPoints, size: int) -> tuple[Tensor, Tensor]:
    """The body's depths under the nearest cloth of each pixel, and where the cloth is, both (B, 1, S, S)."""
    splats = splatted(seen.places, seen.depths, size, FLOOD_RADIUS)
    first = splats.points[..., 0]
    depths = seen.body_depths.gather(1, first.clamp(min=0).flatten(1)).view_as(first)
    depths = torch.where(first >= 0, depths, 0.0)[:, None]
    return depths, filled(splats.coverage)


def before_body(seen: SeenPoints, threshold: float) -> Tensor:
    """(B, 1, S, S) bool: pixels where cloth may be seen."""
    depths, cloth = nearest_cloth(seen, seen.body.shape[1])
    nearest = pooled(depths, cloth)
    body = torch.where(seen.body < 1e-8, 1.0, seen.body)[:, None]
    return nearest - threshold < body


def pooled(depths: Tensor, cloth: Tensor) -> Tensor:
    """The smallest depth around each pixel of the cloth; far away elsewhere."""
    least = torch.where(depths > 0, depths, torch.inf).amin((1, 2, 3), keepdim=True)
    around = -F.max_pool2d(-torch.where(depths < least, _FAR, depths), _WINDOW, 1, _WINDOW // 2)
    return torch.where(cloth, around, _FAR)
