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

from model.engines.warp.areas import Areas
from model.engines.warp.cutout import without_specks
from model.engines.warp.frame import Window
from model.engines.warp.garment import FlatGarment
from model.engines.warp.grids import sampled
from model.engines.warp.guided_filter import guided
from model.engines.warp.inputs import HEIGHT
from model.engines.warp.network import Fields, shaded
from model.engines.warp.uncovered import uncovered

Levels = NDArray[np.uint8]  # (h, w, 3)
Plane = NDArray[np.float32]  # (h, w)

_SOFTNESS, _LEAST_SOFT = 1 / 700, 0.5  # of an outline: of the height, and pixels
_SMOOTHED, _FLATTEST = 1 / 256, 0.2  # share of the height that is smoothed, least slope of logits, in networks' pixels
_GUIDE_RADIUS, _CELL = 1 / 48, 1 / 64  # of the height
_OUTLINE = 1 / 400  # of the height
_SEEN = 0.02  # share of a window that tells something
_SEAM = 1 / 256  # of the height, inside the mask
_HALF = 0.5  # from which share on a pixel is covered, and of the longest column a column is the trunk's
_HIGHEST = 10  # percent of the trunk's columns whose hem is higher: the skirt begins under the top
# Shares of old and new garment from which on a pixel changes, and is all theirs: of forty made-up people 0.4 % of what
# is far from both change so (4.2 % without, the mean error over the mask the same).
_OLD, _NEW = (0.5, 0.95), (0.08, 1.0)


@dataclass(frozen=True)
class Dressed:
    """result, cloth: (h, w, 3), the photo in the garment and the garment alone as it is worn. region: (h, w) 0..1.
    flow: (h, w, 2), in the flat picture as the client sent it, -1..1."""

    result: Levels
    cloth: Levels
    region: Plane
    flow: NDArray[np.float32]


def dressed(photo: Levels, areas: Areas, garment: FlatGarment, fields: Fields) -> Dressed:
    """
    Args:
        photo: (h, w, 3), what the networks saw a small version of; areas: of it.
        fields: of one row.
    """
    size = photo.shape[:2]
    flow = _enlarged(fields.flow, size)
    picture, alpha = garment.for_flow(fields.flow, size)
    cloth = shaded(sampled(picture, flow), _enlarged(fields.shade, size))
    radius, inside = max(2, round(_GUIDE_RADIUS * size[0])), _inside(areas.mask)
    logits = _enlarged(fields.logits, size)[0, 0].numpy()
    if areas.in_front.any():
        logits = _within(logits, guided(photo, areas.in_front, radius), max(1, round(_CELL * size[0])))
    region = _firm(_region(logits, sampled(alpha, flow, "zeros")[0, 0].numpy()) * inside, _NEW)
    region *= without_specks((region > 0).astype(np.uint8))
    hole = _grown(_firm(guided(photo, areas.hole - _below_the_hem(region, areas.skirt), radius), _OLD)) * inside
    painted, worn = (_levels(tensor) for tensor in (_enlarged(fields.painted, size), cloth))
    under = _mixed(photo.astype(np.float32), uncovered(photo, painted, areas), hole)
    result = _mixed(under, worn, region)
    return Dressed(_bytes(result), _bytes(worn), region, garment.as_sent(flow))


def in_whole(worn: Dressed, whole: Levels, frame: Window) -> Dressed:
    """The same of all of the photo's part, (H, W), of which only a frame was dressed."""
    if worn.result.shape == whole.shape:
        return worn
    result, cloth = whole.copy(), np.zeros_like(whole)
    region, flow = np.zeros(whole.shape[:2], np.float32), np.zeros((*whole.shape[:2], 2), np.float32)
    for plane, part in ((result, worn.result), (cloth, worn.cloth), (region, worn.region), (flow, worn.flow)):
        plane[frame] = part
    return Dressed(result, cloth, region, flow)


def _below_the_hem(region: Plane, skirt: Plane) -> Plane:
    """What of a dress lies below a top: (h, w). The hem is that of the trunk: columns of sleeves are short."""
    covered = region > _HALF
    rows = covered.sum(0)
    if not (skirt.any() and covered.any()):
        return np.zeros_like(skirt)
    trunk = rows >= _HALF * rows.max()
    lowest = len(covered) - 1 - covered[::-1].argmax(0)
    hem = int(np.percentile(lowest[trunk], _HIGHEST))
    below = skirt.copy()
    below[: hem + 1] = 0
    return below


def _region(logits: Plane, alpha: Plane) -> Plane:
    """(h, w): the networks say where roughly, the garment's own outline where exactly.

    Logits over their own slope are pixels from the outline: unsure networks do not make it softer than a photo's.
    """
    height = len(logits)
    down, across = np.gradient(cv2.GaussianBlur(logits, (0, 0), max(_LEAST_SOFT, _SMOOTHED * height)))
    window = (2 * round(height / HEIGHT) + 1,) * 2
    slope = np.maximum(cv2.blur(np.hypot(down, across).astype(np.float32), window), _FLATTEST * HEIGHT / height)
    softness = max(_LEAST_SOFT, _SOFTNESS * height)
    return np.asarray(alpha / (1 + np.exp((-logits / slope / softness).clip(-60, 60))), np.float32)


def _firm(share: Plane, ends: tuple[float, float]) -> Plane:
    """Without the tails that filters leave far from what they found: pixels are the photo's there, bit for bit."""
    least, most = ends
    return np.asarray(((share - least) / (most - least)).clip(0, 1), np.float32)


def _grown(share: Plane) -> Plane:
    """By the width of an outline, whose pixels are mixed of what vanishes and what is beside it."""
    width = 2 * round(_OUTLINE * len(share)) + 1
    return np.asarray(cv2.dilate(share, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))), np.float32)


def _within(logits: Plane, skin: Plane, radius: int) -> Plane:
    """Means over what is skin and over what is not, each apart: what lies in front of the garment has a sharp edge."""
    window = (2 * radius + 1,) * 2
    parts = [(cv2.blur(logits * share, window), cv2.blur(share, window), share) for share in (skin, 1 - skin)]
    means = [share * np.where(area > _SEEN, total / np.maximum(area, _SEEN), logits) for total, area, share in parts]
    return np.asarray(means[0] + means[1], np.float32)


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
