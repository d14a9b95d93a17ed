"""What an R-CNN does with boxes, (N, 4) left, top, right, bottom: shift them, drop doubles, look into them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LARGEST_STRETCH = math.log(1000 / 16)  # of a side, in one step


def shifted(boxes: Tensor, deltas: Tensor, weights: tuple[float, float, float, float]) -> Tensor:
    """Boxes moved by deltas / weights, (N, 4): centre in box sizes, logarithm of the size."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    centres = boxes[:, :2] + 0.5 * sizes
    step = deltas / torch.tensor(weights, dtype=deltas.dtype, device=deltas.device)
    centres = centres + step[:, :2] * sizes
    half = 0.5 * sizes * step[:, 2:].clamp(max=_LARGEST_STRETCH).exp()
    return torch.cat([centres - half, centres + half], dim=1)


def clipped(boxes: Tensor, height: int, width: int) -> Tensor:
    """Inside a picture."""
    x, y = boxes[:, 0::2].clamp(0, width), boxes[:, 1::2].clamp(0, height)
    return torch.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], dim=1)


def areas(boxes: Tensor) -> Tensor:
    """(N,)."""
    return (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)


def without_doubles(boxes: Tensor, scores: Tensor, most_overlap: float) -> Tensor:
    """Indices of the boxes that no better one overlaps by more than this share of their union, the best first."""
    order = scores.argsort(descending=True, stable=True)
    boxes = boxes[order]
    overlaps = _overlaps(boxes) > most_overlap
    alive = torch.ones(len(boxes), dtype=torch.bool)
    for i in range(len(boxes)):
        if alive[i]:
            alive[i + 1 :] &= ~overlaps[i, i + 1 :]
    return order[alive]


def without_doubles_by_group(boxes: Tensor, scores: Tensor, groups: Tensor, most_overlap: float) -> Tensor:
    """The same, where boxes of different groups never overlap."""
    apart = groups.to(boxes) * (boxes.max() + 1) if boxes.numel() else groups.to(boxes)
    return without_doubles(boxes + apart[:, None], scores, most_overlap)


def _overlaps(boxes: Tensor) -> Tensor:
    """(N, N): intersection over union."""
    corner = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    opposite = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = (opposite - corner).clamp(min=0).prod(dim=2)
    size = areas(boxes)
    return shared / (size[:, None] + size[None] - shared)


def looked_into(features: Tensor, boxes: Tensor, scale: float, side: int, samples: int) -> Tensor:
    """ROIAlign as it was first published: (N, C, side, side), each the mean of samples x samples points.

    A box of the picture is `scale` times as large in the features, is at least one of their cells, and is not moved by
    half a cell. Points more than a cell outside count as zero.

    Args:
        features: (C, H, W).
        boxes: (N, 4), in pixels of the picture.
    """
    height, width = features.shape[-2:]
    corner, opposite = boxes[:, :2] * scale, boxes[:, 2:] * scale
    steps = (opposite - corner).clamp(min=1) / side
    x = _points(corner[:, 0], steps[:, 0], side, samples)  # (N, side x samples)
    y = _points(corner[:, 1], steps[:, 1], side, samples)
    each = (samples, samples)
    return torch.stack([_mean_of_points(features, a, b, height, width, each) for a, b in zip(x, y, strict=True)])


def roi_align(
    features: Tensor, rois: Tensor, scale: float, height: int, width: int, samples: int, *, aligned: bool
) -> Tensor:
    """ROIAlign in all its forms, as torchvision's operator of this name: (N, C, height, width).

    Args:
        features: (B, C, H, W).
        rois: (N, 5): number of the picture, then the box in its pixels.
        samples: points a side; 0 or less: as many as a cell of the box has of the features' cells.
        aligned: boxes are moved by half a cell and may be smaller than one.
    """
    looks = [_aligned(features, roi, scale, (height, width), samples, aligned=aligned) for roi in rois]
    return torch.stack(looks) if looks else features.new_zeros((0, features.shape[1], height, width))


def _aligned(
    features: Tensor, roi: Tensor, scale: float, sides: tuple[int, int], samples: int, *, aligned: bool
) -> Tensor:
    places, picture = [], features[int(roi[0])]
    each = []
    for side, start, end in zip(sides, (2, 1), (4, 3), strict=True):  # y, then x
        corner, opposite = roi[start] * scale - 0.5 * aligned, roi[end] * scale - 0.5 * aligned
        length = opposite - corner if aligned else (opposite - corner).clamp(min=1)
        each.append(samples if samples > 0 else max(1, math.ceil(float(length) / side)))
        places.append(_points(corner[None], length[None] / side, side, each[-1])[0])
    y, x = places
    return _mean_of_points(picture, x, y, picture.shape[-2], picture.shape[-1], (each[0], each[1]))


def _points(corner: Tensor, step: Tensor, side: int, samples: int) -> Tensor:
    offsets = (torch.arange(side * samples, dtype=corner.dtype, device=corner.device) + 0.5) / samples
    return corner[:, None] + offsets * step[:, None]


def _mean_of_points(
    features: Tensor, x: Tensor, y: Tensor, height: int, width: int, samples: tuple[int, int]
) -> Tensor:
    """samples: rows and columns of points that make one value."""
    left, right, to_right, known_x = _neighbours(x, width)
    above, below, to_below, known_y = _neighbours(y, height)
    rows = features[:, above] * (1 - to_below)[:, None] + features[:, below] * to_below[:, None]
    values = rows[..., left] * (1 - to_right) + rows[..., right] * to_right
    values = values * (known_y[:, None] & known_x)
    return torch.nn.functional.avg_pool2d(values[None], samples)[0]


def _neighbours(place: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The cells before and after each place, the share of the latter, and whether the place counts at all."""
    known = (place >= -1) & (place <= length)
    inside = place.clamp(0, length - 1)
    before = inside.floor().long()
    return before, (before + 1).clamp(max=length - 1), inside - before, known
