"""Which triangle is seen in each pixel. One interface; who implements it depends on the machine.

Clip space is OpenGL's: x / w and y / w in -1..1 over the picture, smaller z / w nearer. Row 0 of a picture is y = -1,
column 0 is x = -1, pixel centres lie at half integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from torch import Tensor


@dataclass(frozen=True)
class Fragments:
    """The nearest triangle of each pixel.

    faces: (views, H, W) int64, -1 where there is none.
    barycentric: (views, H, W, 3), the weights of its three corners, 0 where there is none; differentiable.
    """

    faces: Tensor
    barycentric: Tensor


class Rasteriser(Protocol):
    """Rasterises one mesh in many views at once."""

    name: ClassVar[str]

    def rasterise(self, clip: Tensor, faces: Tensor, height: int, width: int) -> Fragments:
        """The nearest triangles. clip: (views, V, 4) corners in clip space; faces: (F, 3) int64, both sides drawn."""

    def antialias(self, picture: Tensor, fragments: Fragments, clip: Tensor, faces: Tensor) -> Tensor:
        """`picture`, (views, H, W, C), blended across silhouettes, so that its gradient reaches `clip` there."""


def interpolate(attributes: Tensor, faces: Tensor, fragments: Fragments) -> Tensor:
    """Attributes of vertices, (V, C), at every pixel: (views, H, W, C), 0 where no triangle is."""
    shape = fragments.faces.shape
    pixels = (fragments.faces.flatten() >= 0).nonzero()[:, 0]  # most of a picture of a person is empty
    seen = faces.index_select(0, fragments.faces.flatten().index_select(0, pixels))  # (P, 3)
    corners = attributes.index_select(0, seen.flatten()).view(len(pixels), 3, -1)
    weights = fragments.barycentric.flatten(0, 2).index_select(0, pixels)
    values = (weights[..., None] * corners).sum(1)  # (P, C)
    return values.new_zeros(shape.numel(), values.shape[1]).index_copy(0, pixels, values).view(*shape, -1)
