"""Silhouettes blended by how much of a pixel they cover, so that pictures have a gradient where shapes end.

In the spirit of Laine et al. 2020, "Modular primitives for high-performance differentiable rendering": between two
neighbouring pixel centres crossed by a silhouette edge, the crossing's position says how far the nearer surface
reaches, and one of the two pixels takes up the other's colour in proportion. Theirs looks for the edge in the triangle
seen in the pixel; here we walk along the silhouette edges of the mesh instead. Both find the same edges where triangles
are larger than pixels; where they are smaller, as on the rims of fine meshes, only the walk meets the edge that
really bounds the surface.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from model.mesh.rasteriser import Fragments

PictureShape = tuple[int, ...]  # views, height, width

_TOUCHING = 1e-5  # difference in depth, of 2 from near to far, up to which surfaces are one


def antialias(picture: Tensor, fragments: Fragments, clip: Tensor, faces: Tensor) -> Tensor:
    """`picture`, (views, H, W, C), blended across silhouettes; its gradient reaches picture and `clip`.

    An edge steeper than 45 degrees is looked for between neighbours in a row, any other between neighbours in a column,
    so that a moving edge changes the covered area exactly once. Where several cross between two pixels, the outermost
    counts. Edges inside a surface, and those hidden by a nearer one, leave the picture as it is.
    """
    blend = blends(clip, faces, tuple(fragments.faces.shape), partial(_depth_at, fragments, faces))
    pixels = picture.flatten(0, 2)
    change = blend.share[:, None].to(picture.dtype) * (pixels[blend.source] - pixels[blend.target])
    return pixels.index_add(0, blend.target, change).view(picture.shape)


@dataclass(frozen=True)
class Blend:
    """target: (K,) pixels of the flattened picture that take up some of what `source`, (K,), shows. share: (K,), how
    much, differentiable."""

    target: Tensor
    source: Tensor
    share: Tensor


def blends(clip: Tensor, faces: Tensor, shape: PictureShape, depth_at: Callable[[Tensor, Tensor], Tensor]) -> Blend:
    """What silhouettes do to pictures of this shape. depth_at: of pixels, (K,), and all depths, (views, V), how deep
    what is seen lies, (K,), infinite where nothing is."""
    _, height, width = shape
    w = clip[..., 3:]
    size = clip.new_tensor([width, height])
    points = (clip[..., :2] / w + 1) * size / 2 - 0.5  # (views, V, 2), in pixels; a centre is a whole number
    depth = (clip[..., 2] / w[..., 0]).detach()
    with torch.no_grad():
        edges = _silhouettes(points, w[..., 0] > 0, faces)
        along = (points[edges.view, edges.ends[:, 1]] - points[edges.view, edges.ends[:, 0]]).abs()
    steep = along[:, 1] >= along[:, 0]
    in_rows = _cross(edges.of(steep), points, depth, Grid(height, width, width, 1))
    # In the transposed picture the others are the steep ones, and left is right.
    flat = edges.of(~steep)
    turned = Silhouettes(flat.view, flat.ends, -flat.turn)
    in_columns = _cross(turned, points.flip(-1), depth, Grid(width, height, 1, width))
    crossing = Crossings(
        torch.cat([in_rows.inside, in_columns.inside]),
        torch.cat([in_rows.outside, in_columns.outside]),
        torch.cat([in_rows.distance, in_columns.distance]),
        torch.cat([in_rows.depth, in_columns.depth]),
    )
    crossing = crossing.of(_visible(crossing, lambda pixels: depth_at(pixels, depth)))
    beyond_half = crossing.distance - 0.5
    outwards = beyond_half > 0
    target = torch.where(outwards, crossing.outside, crossing.inside)
    source = torch.where(outwards, crossing.inside, crossing.outside)
    return Blend(target, source, beyond_half.abs())


class Grid(NamedTuple):
    """A picture, or its transpose: how large it is, and how far apart the pixels of neighbouring rows and columns are
    where it lies flat."""

    height: int
    width: int
    row_step: int
    column_step: int


@dataclass(frozen=True)
class Silhouettes:
    """The edges where surfaces end, in all views. view: (E,). ends: (E, 2) vertices. turn: (E,), 1 where the surface
    lies to the clockwise side of the way from the first end to the second (in a picture whose rows go down), else -1.
    """

    view: Tensor
    ends: Tensor
    turn: Tensor

    def of(self, which: Tensor) -> Silhouettes:
        """Some of them."""
        return Silhouettes(self.view[which], self.ends[which], self.turn[which])


@dataclass(frozen=True)
class Crossings:
    """Where silhouettes pass between neighbouring pixels.

    inside, outside: (K,) pixels of the flattened picture, the first on the surface's side. distance: (K,) from the
    inside's centre, 0 to 1, differentiable. depth: (K,) of the edge there.
    """

    inside: Tensor
    outside: Tensor
    distance: Tensor
    depth: Tensor

    def of(self, which: Tensor) -> Crossings:
        """Some of them."""
        return Crossings(self.inside[which], self.outside[which], self.distance[which], self.depth[which])


def _silhouettes(points: Tensor, in_front: Tensor, faces: Tensor) -> Silhouettes:
    """Edges whose triangles all lie on one side in the picture: folds and borders, whichever way faces are turned."""
    views = len(points)
    opposite = faces[:, [2, 0, 1]].T.flatten()  # of the edges (0, 1), (1, 2), (2, 0)
    halves = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    low, high = halves[:, 0].minimum(halves[:, 1]), halves[:, 0].maximum(halves[:, 1])
    keys, edge = torch.unique(low * points.shape[1] + high, return_inverse=True)
    ends = torch.stack([keys // points.shape[1], keys % points.shape[1]], dim=1)  # (E, 2)

    a, along = points[:, low], points[:, high] - points[:, low]
    across = points[:, opposite] - a
    turn = (along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0]).sign()  # (views, 3F)
    edge = edge.expand(views, -1)
    least = turn.new_full((views, len(ends)), 1.0).scatter_reduce_(1, edge, turn, "amin")
    most = turn.new_full((views, len(ends)), -1.0).scatter_reduce_(1, edge, turn, "amax")
    one_sided = (least * most >= 0) & (least + most != 0) & in_front[:, ends].all(-1)
    view, which = one_sided.nonzero().unbind(1)
    return Silhouettes(view, ends[which], (least + most)[view, which].sign())


def _cross(edges: Silhouettes, points: Tensor, depth: Tensor, grid: Grid) -> Crossings:
    """Where the edges nearer to vertical pass through rows of pixel centres."""
    height, width = grid.height, grid.width
    first_end, second_end = (edges.view * points.shape[1] + edges.ends[:, k] for k in (0, 1))
    start, end = (points.flatten(0, 1).index_select(0, which) for which in (first_end, second_end))
    ends = torch.stack([start[:, 1], end[:, 1]]).detach().nan_to_num()
    first = ends.amin(0).ceil().clamp(0, height).long()
    count = ends.amax(0).ceil().clamp(0, height).long() - first  # half open: a shared end belongs to one edge
    edge = torch.arange(len(count), device=count.device).repeat_interleave(count)
    row = first[edge] + torch.arange(len(edge), device=edge.device) - (count.cumsum(0) - count)[edge]

    start, end = start.index_select(0, edge), end.index_select(0, edge)
    share = (row - start[:, 1]) / (end[:, 1] - start[:, 1])  # of the way from start to end
    column = start[:, 0] + share * (end[:, 0] - start[:, 0])
    left = column.detach().floor()
    on_picture = ((left >= 0) & (left < width - 1)).nonzero()[:, 0]
    edge, row, column, left, share = (t.index_select(0, on_picture) for t in (edge, row, column, left, share.detach()))

    rightwards = edges.turn[edge] * (ends[1] - ends[0])[edge] < 0
    left_pixel = edges.view[edge] * (height * width) + row * grid.row_step + left.long() * grid.column_step
    right_pixel = left_pixel + grid.column_step
    first_depth, second_depth = (depth.flatten()[which[edge]] for which in (first_end, second_end))
    return Crossings(
        inside=torch.where(rightwards, right_pixel, left_pixel),
        outside=torch.where(rightwards, left_pixel, right_pixel),
        distance=torch.where(rightwards, left + 1 - column, column - left),
        depth=first_depth + share * (second_depth - first_depth),
    )


@torch.no_grad()
def _visible(crossing: Crossings, depth_at: Callable[[Tensor], Tensor]) -> Tensor:
    """Which crossings are seen: the outermost of each pair of pixels whose outside lies behind edge and inside."""
    behind = depth_at(crossing.outside)
    seen = (depth_at(crossing.inside) < behind) & (crossing.depth + _TOUCHING < behind)
    which = seen.nonzero()[:, 0]
    which = which[crossing.distance[which].argsort(descending=True, stable=True)]
    # Both pixels of a pair in one row differ by 1, of one in a column by the width.
    low, high = torch.stack([crossing.inside[which], crossing.outside[which]]).aminmax(dim=0)
    pair, order = (low * 2 + (high - low == 1)).sort(stable=True)
    outermost = torch.ones_like(pair, dtype=torch.bool)
    outermost[1:] = pair[1:] != pair[:-1]
    return which[order[outermost]]


def _depth_at(fragments: Fragments, faces: Tensor, pixels: Tensor, depth: Tensor) -> Tensor:
    """Depth of what is seen in some pixels of the flattened picture; infinite where nothing is."""
    seen = fragments.faces.flatten()[pixels]
    view = pixels // fragments.faces[0].numel()
    corners = depth[view[:, None], faces[seen.clamp(min=0)]]  # (K, 3)
    at = (fragments.barycentric.flatten(0, 2)[pixels] * corners).sum(-1)
    return torch.where(seen >= 0, at, torch.inf)
