"""What pictures of an object say about the colour of points on its surface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from model.mesh.cameras import to_clip
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.mesh.rasteriser import Rasteriser, interpolate

_LEAST_COSINE = 0.05  # of the angle between a surface's normal and the way to the camera; flatter ones smear
_RIM = 1  # pixels inside the silhouette by alpha: mattes are rarely exact
_AROUND = 3  # a pixel's neighbours are up to so many pixels from a point that touches it
_CHUNK = 1 << 18  # points at once: about 100 MB


@dataclass(frozen=True)
class Views:
    """Pictures of one object and the orthographic cameras they were taken with.

    pictures: (views, 4, H, W) float32, RGB and alpha in 0..1, colours not multiplied by alpha. Instead of three colours
        there may be any number of other values.
    cameras: (views, 4, 4), from the object's space to clip space (see `model.mesh.rasteriser`).
    weights: (views,), how far each is believed.
    """

    pictures: Tensor
    cameras: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.cameras)

    @property
    def directions(self) -> Tensor:
        """(views, 3), unit vectors from the camera into the picture."""
        depth = self.cameras[:, 2, :3]
        directions: Tensor = depth / depth.norm(dim=1, keepdim=True)
        return directions

    @property
    def pixel_sizes(self) -> Tensor:
        """(views,), how much of the object's space a pixel is high."""
        sizes: Tensor = 2 * self.cameras[:, 3, 3] / self.cameras[:, 1, :3].norm(dim=1) / self.pictures.shape[2]
        return sizes

    def clip(self, points: Tensor, view: int) -> Tensor:
        """Points, (P, 3), in clip space: (P, 4)."""
        return to_clip(points, self.cameras[view, None])[0]


class Projection:
    """Views of a mesh, ready to be asked for the colours of points on it.

    A point is shown by a view where its surface looks at the camera and the depth test finds nothing else before it.
    It gets its colour from the four pixels around it, but only from those that lie on the point's own surface by depth,
    as their neighbours do, and inside the object by alpha: at a rim, what is behind has mixed in. So neither the
    background nor an arm bleeds onto anything else. Weight: the cosine between normal and camera
    squared, times the view's weight, times the share of the four pixels that counts.

    Args:
        slack: how many times farther than usual a point may lie from what the view shows, in depth: with more, what is
            seen in folds is what is seen before them.
    """

    def __init__(self, mesh: Mesh, views: Views, rasteriser: Rasteriser, *, slack: float = 1.0) -> None:
        self.mesh = mesh
        self._slack = slack
        self.normals = vertex_normals(mesh.vertices, mesh.faces)
        self._views = views
        self._pixels = _trusted(views.pictures)  # (views, H * W, 4)
        self._channels = self._pixels.shape[2]
        self._depths = torch.stack([_depths(mesh, views, view, rasteriser) for view in range(len(views))])

    def shown(self, points: Tensor, normals: Tensor) -> tuple[Tensor, Tensor]:
        """Sums over the views of weighted colours and of weights: (P, 3) and (P,); colour is one by the other.

        points: (P, 3) on the mesh. normals: (P, 3) of length 1. A point that is not finite is shown by nobody.
        """
        sums = [
            self._shown(*chunk) for chunk in zip(torch.split(points, _CHUNK), torch.split(normals, _CHUNK), strict=True)
        ]
        joined = torch.cat([*sums, points.new_zeros(0, self._channels)])
        return joined[:, :-1], joined[:, -1]

    def _shown(self, points: Tensor, normals: Tensor) -> Tensor:
        total = points.new_zeros(len(points), self._channels)
        finite = points.isfinite().all(1) & normals.isfinite().all(1)
        for view, (direction, size, weight) in enumerate(
            zip(self._views.directions, self._views.pixel_sizes, self._views.weights, strict=True)
        ):
            cosines = -(normals @ direction)
            facing = (finite & (cosines > _LEAST_COSINE)).nonzero()[:, 0]
            cosines = cosines[facing]
            # Across a pixel's diagonal the depth of a slanted surface changes by its slope.
            tolerance = self._slack * size * (1 + 1 / cosines)
            gathered = self._gathered(points[facing], tolerance, view)
            total.index_add_(0, facing, gathered * (cosines**2 * weight)[:, None])
        return total

    def _gathered(self, points: Tensor, tolerance: Tensor, view: int) -> Tensor:
        """Weighted means, (P, 4), of the four pixels around each point; the weights are below 1 where some are off."""
        height, width = self._views.pictures.shape[2:]
        clip = self._views.clip(points, view)
        depths = points @ self._views.directions[view]
        x, y = ((clip[:, :2] / clip[:, 3:] + 1) * clip.new_tensor([width, height]) / 2 - 0.5).unbind(1)
        total = points.new_zeros(len(points), self._channels)
        for column, row, share in _corners(x, y):
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            pixel = torch.where(inside, row * width + column, 0)
            off = (self._depths[view, :, pixel] - depths).abs()  # (3, P): here, and the least and most around
            own = inside & (off <= tolerance * off.new_tensor([[1], [_AROUND], [_AROUND]])).all(0)
            total += self._pixels[view, pixel] * (share * own)[:, None]
        return total


def _corners(x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Columns, rows and bilinear shares of the four pixels around points given in pixels."""
    left, top = x.floor(), y.floor()
    for column, across in ((left, 1 - (x - left)), (left + 1, x - left)):
        for row, down in ((top, 1 - (y - top)), (top + 1, y - top)):
            yield column.long(), row.long(), across * down


def _trusted(pictures: Tensor) -> Tensor:
    """Pixels, (views, H * W, 4), multiplied by the least alpha that is at most `_RIM` rows and columns away."""
    alpha = -max_pool2d(-pictures[:, -1:], kernel_size=2 * _RIM + 1, stride=1, padding=_RIM)
    return torch.cat([pictures[:, :-1] * alpha, alpha], dim=1).flatten(2).transpose(1, 2).contiguous()


def _depths(mesh: Mesh, views: Views, view: int, rasteriser: Rasteriser) -> Tensor:
    """How far along the view's direction the mesh is at each pixel, infinite where it is not: (3, H * W).

    The second and third rows are the least and the most of the pixel and its eight neighbours.
    """
    height, width = views.pictures.shape[2:]
    fragments = rasteriser.rasterise(views.clip(mesh.vertices, view)[None], mesh.faces, height, width)
    depths = interpolate((mesh.vertices @ views.directions[view])[:, None], mesh.faces, fragments)[..., 0]
    depths = torch.where(fragments.faces >= 0, depths, torch.inf)  # (1, H, W)
    least = -max_pool2d(-depths, kernel_size=3, stride=1, padding=1)
    most = max_pool2d(depths, kernel_size=3, stride=1, padding=1)
    return torch.cat([depths, least, most]).flatten(1)
