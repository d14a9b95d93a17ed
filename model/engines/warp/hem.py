"""Tops that are longer than the mask lets them hang: worn as if they were shorter, so that prints are not cut off."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.engines.warp.network import Fields

Plane = NDArray[np.float32]

_LONG = 0.5  # of the longest column, that a column of the trunk has; sleeves have less
_TOP, _FEW = 5, 3  # percent of the trunk's flow that is above its top, and columns that tell nothing
_CUT = 0.22  # of the trunk's length, that must be out of sight for anything to be done: less is tucked in
_MOST = 1.35  # times by which a top is pressed together at most: chosen by eye, more looks it
_SEAM = 0.2  # of half the trunk's width, over which that fades into sleeves
_COVERED = 0.5


class _Trunk(NamedTuple):
    """rows, columns: of the lowest cloth in each of its columns. top: y of the flat picture at its upper end."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    top: float


def hem_in_sight(fields: Fields, mask: Plane, alpha: Tensor) -> Fields:
    """Of one row: its flow pressed together towards the collar where the mask ends before the trunk's hem is reached.

    Args:
        mask: (h, w), where the photo may change. alpha: (1, 1, H, W), of the flat picture.
    """
    flow = fields.flow[0].float().numpy()
    size = flow.shape[2], flow.shape[1]
    logits = np.asarray(cv2.resize(fields.logits[0, 0].float().numpy(), size, interpolation=cv2.INTER_AREA))
    allowed = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA)) > _COVERED
    trunk = _trunk((logits > 0) & allowed, flow)
    if trunk is None or not _ends_there(allowed, trunk):
        return fields
    outline = alpha[0, 0].numpy() > _COVERED
    x, y = (flow[axis, trunk.rows, trunk.columns] for axis in (0, 1))
    hem, ends = _hem(outline, x), float(np.median(y))
    if hem - ends < _CUT * (hem - trunk.top) or ends <= trunk.top:
        return fields
    pressed = min(_MOST, (hem - trunk.top) / (ends - trunk.top))
    middle, half = (x.max() + x.min()) / 2, max(float(x.max() - x.min()) / 2, 1e-3)
    share = (1 - (np.abs(flow[0] - middle) / half - 1) / _SEAM).clip(0, 1)
    down = flow[1] + share * (pressed - 1) * (flow[1] - trunk.top).clip(min=0)
    moved = torch.from_numpy(np.stack([flow[0], down]).astype(np.float32))[None]
    return fields._replace(flow=moved)


def _trunk(covered: NDArray[np.bool_], flow: Plane) -> _Trunk | None:
    lengths = covered.sum(0)
    columns = np.flatnonzero(lengths >= max(_LONG * lengths.max(), 1))
    if len(columns) < _FEW:
        return None
    rows = len(covered) - 1 - covered[::-1, columns].argmax(0)
    inside = covered & np.isin(np.arange(covered.shape[1]), columns)
    return _Trunk(rows, columns, float(np.percentile(flow[1][inside], _TOP)))


def _ends_there(allowed: NDArray[np.bool_], trunk: _Trunk) -> bool:
    """Whether under most of the trunk the mask ends, and not the photo."""
    below = trunk.rows + 2
    inside = below < len(allowed)
    ended = inside & ~allowed[below.clip(max=len(allowed) - 1), trunk.columns]
    return bool(ended.mean() > _COVERED)


def _hem(outline: NDArray[np.bool_], x: Plane) -> float:
    """y where the garment ends in the columns of the flat picture that the trunk's lower end shows."""
    height, width = outline.shape
    columns = ((x + 1) / 2 * width).astype(int).clip(0, width - 1)
    lowest = height - outline[::-1, columns].argmax(0)
    return float(np.median(lowest) / height * 2 - 1)
