"""Our own rasteriser, in plain torch, for every device with float64.

Each triangle asks every pixel of its bounding box; the nearest triangle of a pixel is found by one scattered minimum
over keys that hold the depth above the face's number. Triangles with equally large boxes are handled together, so a
block of (triangles, rows, columns) needs no gathers; blocks are cut so that their memory is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from model.mesh.antialias import antialias
from model.mesh.rasteriser import Fragments
from model.mesh.seen import SeenPixels

# Edges belong to the triangles on both sides, so neighbours leave no crack. Rounding in float64 stays far below.
_SLACK = 1e-9
_LARGEST_BLOCK = 1 << 18  # pixels asked at once: they stay in the processor's cache, about 15 MB
_LARGEST_SIZE = 1 << 20  # of a picture
_NO_FACE = torch.iinfo(torch.int64).max


class Torch:
    """Rasterises on the device of the tensors it gets.

    Equal input gives equal pictures on any run; of triangles at equal depth the lowest face is seen. Barycentrics are
    those of the picture plane: exact for orthographic cameras, where w is the same everywhere, but not corrected for
    perspective. Nothing is clipped: a triangle with a corner at w <= 0 is not drawn, nor is any point beyond the
    near and far planes.
    """

    name: ClassVar[str] = "torch"

    def rasterise(self, clip: Tensor, faces: Tensor, height: int, width: int) -> Fragments:
        """See `Rasteriser.rasterise`."""
        return self.seen(clip, faces, height, width).fragments

    def seen(self, clip: Tensor, faces: Tensor, height: int, width: int) -> SeenPixels:
        """The same, of those pixels alone in which something is seen."""
        planes = Planes(clip, faces, height, width)
        with torch.no_grad():
            nearest = _nearest(planes, len(clip), height, width)
        pixels = (nearest >= 0).nonzero()[:, 0]
        triangles = nearest.index_select(0, pixels)
        cells = pixels % (height * width)
        points = torch.stack([cells % width, cells // width], dim=1)
        weights = planes.weights(triangles, points).to(clip.dtype)
        return SeenPixels((len(clip), height, width), pixels, triangles % max(len(faces), 1), weights)

    def antialias(self, picture: Tensor, fragments: Fragments, clip: Tensor, faces: Tensor) -> Tensor:
        """See `Rasteriser.antialias`."""
        return antialias(picture, fragments, clip, faces)


class Planes:
    """Of every triangle of every view, T = views x F of them: where it lies and how its barycentrics change.

    origin: (T, 2), its first corner in pixels. slope: (T, 2, 2), [k] is how the weight of corner k + 1 grows per pixel
    to the right and per pixel down. corners: (T, 3, 2), in pixels; depth: (T, 3), their z / w. drawn: (T,) bool.
    """

    def __init__(self, clip: Tensor, faces: Tensor, height: int, width: int) -> None:
        views = len(clip)
        clip = clip.double()
        w = clip[..., 3:]
        size = clip.new_tensor([width, height])
        screen = torch.cat([(clip[..., :2] / w + 1) * size / 2 - 0.5, clip[..., 2:3] / w], dim=-1)  # (views, V, 3)
        corners = screen.index_select(1, faces.flatten()).view(views * len(faces), 3, 3)
        self.corners = corners[..., :2]
        self.depth = corners[..., 2].detach().contiguous()
        self.origin = corners[:, 0, :2]
        to_b, to_c = (self.corners[:, 1:] - self.origin[:, None]).unbind(1)
        area = to_b[:, 0] * to_c[:, 1] - to_b[:, 1] * to_c[:, 0]
        in_front = (w[..., 0] > 0)[:, faces].all(-1).view(-1)
        self.drawn = in_front & area.isfinite() & (area != 0)
        area = torch.where(self.drawn, area, 1.0)[:, None]
        b_slope = torch.stack([to_c[:, 1], -to_c[:, 0]], dim=1) / area
        c_slope = torch.stack([-to_b[:, 1], to_b[:, 0]], dim=1) / area
        self.slope = torch.stack([b_slope, c_slope], dim=1)

    def weights(self, triangles: Tensor, points: Tensor) -> Tensor:
        """Barycentrics, (P, 3), of points, (P, 2) columns and rows, each in one of the triangles."""
        steps = points - self.origin.index_select(0, triangles)
        b, c = (self.slope.index_select(0, triangles) * steps[:, None]).sum(-1).unbind(1)
        return torch.stack([1 - b - c, b, c], dim=1)


def _nearest(planes: Planes, views: int, height: int, width: int) -> Tensor:
    """The nearest of all views' triangles at each pixel of each view: (views x H x W,), -1 where there is none."""
    faces = max(len(planes.origin) // views, 1)
    nearest = torch.full((views * height * width,), _NO_FACE, device=planes.origin.device)
    for block in _blocks(planes, height, width):
        triangle, column, row, depth = _hits(planes, block)
        seen = (column < width) & (row < height) & (depth.abs() <= 1)  # boxes are rounded up, over the picture's edge
        pixel = (triangle // faces * height + row) * width + column
        key = _ordered(depth) << 32 | triangle
        nearest.scatter_reduce_(0, torch.where(seen, pixel, 0), torch.where(seen, key, _NO_FACE), "amin")
    return torch.where(nearest == _NO_FACE, -1, nearest & 0xFFFFFFFF)


@dataclass(frozen=True)
class TriangleBlock:
    """Triangles of equally large boxes. triangles: (N,). start: (N, 2), the first column and row of their boxes."""

    triangles: Tensor
    start: Tensor
    columns: int
    rows: int


def _blocks(planes: Planes, height: int, width: int) -> Iterator[TriangleBlock]:
    """All triangles with a pixel centre in their box, the box clamped to the picture."""
    a, b, c = planes.corners.nan_to_num().unbind(1)  # a minimum of two is far quicker than one along an axis
    low, high = a.minimum(b).minimum(c), a.maximum(b).maximum(c)
    last = low.new_tensor([width - 1, height - 1])
    start = low.ceil().clamp(min=0).minimum(last + 1).long()
    size = high.floor().minimum(last).clamp(min=-1).long() - start + 1
    triangles = (planes.drawn & (size > 0).all(1)).nonzero()[:, 0]
    sizes = _rounded_up(size[triangles])
    kinds, order = (sizes[:, 0] * _LARGEST_SIZE + sizes[:, 1]).sort(stable=True)
    triangles = triangles[order]
    first_of_kind = torch.ones_like(kinds, dtype=torch.bool)
    first_of_kind[1:] = kinds[1:] != kinds[:-1]
    begins = first_of_kind.nonzero()[:, 0]
    bounds = [*begins.tolist(), len(kinds)]
    for kind, (begin, end) in zip(kinds[begins].tolist(), pairwise(bounds), strict=True):
        columns, rows = divmod(kind, _LARGEST_SIZE)
        step = max(_LARGEST_BLOCK // (columns * rows), 1)
        for first in range(begin, end, step):
            some = triangles[first : min(first + step, end)]
            yield TriangleBlock(some, start[some], columns, rows)


def _rounded_up(size: Tensor) -> Tensor:
    """Sizes to powers of two, so that there are few of them."""
    return 2 ** size.double().log2().ceil().long()


def _hits(planes: Planes, block: TriangleBlock) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Every pixel centre in a triangle of the block: the triangle, column, row and depth, each (P,)."""
    columns = torch.arange(block.columns, device=block.start.device)
    rows = torch.arange(block.rows, device=block.start.device)[:, None]
    slope = planes.slope[block.triangles]
    at_start = (slope * (block.start - planes.origin[block.triangles])[:, None]).sum(-1)  # (N, 2)
    # (N, rows, columns): weights of the second and the third corner
    b, c = (
        (at_start[:, k, None, None] + slope[:, k, 1, None, None] * rows) + slope[:, k, 0, None, None] * columns
        for k in (0, 1)
    )
    inside = (b >= -_SLACK) & (c >= -_SLACK) & (b + c <= 1 + _SLACK)
    hits = inside.flatten().nonzero()[:, 0]
    b, c = b.flatten().index_select(0, hits), c.flatten().index_select(0, hits)
    which, cell = hits // (block.rows * block.columns), hits % (block.rows * block.columns)
    triangle, start = block.triangles.index_select(0, which), block.start.index_select(0, which)
    z = planes.depth.index_select(0, triangle)  # (P, 3)
    depth = z[:, 0] + b * (z[:, 1] - z[:, 0]) + c * (z[:, 2] - z[:, 0])
    return triangle, start[:, 0] + cell % block.columns, start[:, 1] + cell // block.columns, depth


def _ordered(depth: Tensor) -> Tensor:
    """Depths as whole numbers in the same order (int64 of 32 bits), -0 and 0 alike."""
    bits = (depth.float() + 0.0).view(torch.int32)
    return (bits ^ (bits >> 31 & 0x7FFFFFFF)).long()
