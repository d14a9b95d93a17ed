"""The pixels in which something is seen: of a person's pictures a seventh. Computing them alone saves the rest.

The plain form of all this is `Fragments` and `model.mesh.antialias.antialias`, which hold every pixel of a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.mesh.antialias import blends
from model.mesh.rasteriser import Fragments


@dataclass(frozen=True)
class SeenPixels:
    """shape: views, height, width. pixels: (P,) int64 of the flattened pictures, rising. faces: (P,) int64, what is
    seen there. barycentric: (P, 3), differentiable."""

    shape: tuple[int, int, int]
    pixels: Tensor
    faces: Tensor
    barycentric: Tensor

    @property
    def fragments(self) -> Fragments:
        """The same with all pixels."""
        count = self.shape[0] * self.shape[1] * self.shape[2]
        faces = self.faces.new_full((count,), -1).index_copy(0, self.pixels, self.faces)
        barycentric = self.barycentric.new_zeros(count, 3).index_copy(0, self.pixels, self.barycentric)
        return Fragments(faces.view(self.shape), barycentric.view(*self.shape, 3))

    def interpolate(self, attributes: Tensor, faces: Tensor) -> Tensor:
        """Attributes of vertices, (V, C), at these pixels: (P, C)."""
        total = attributes.new_zeros(())
        for corner, weight in zip(faces.unbind(1), self.barycentric.unbind(1), strict=True):
            vertices = corner.index_select(0, self.faces)
            total = total + weight[:, None] * attributes.index_select(0, vertices)
        return total

    def antialias(self, values: Tensor, clip: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
        """What these pixels show, (P, C), blended across silhouettes into the nothing around, which is 0.

        Returns:
            pixels, (Q,), these first and then those of the nothing that a silhouette reaches; what they show, (Q, C).
        """
        count = self.shape[0] * self.shape[1] * self.shape[2]
        row_of = torch.full((count,), -1, dtype=torch.int32, device=self.pixels.device)
        rows = torch.arange(len(self.pixels), dtype=torch.int32, device=self.pixels.device)
        row_of.index_copy_(0, self.pixels, rows)
        barycentric = self.barycentric.detach()

        def depth_at(pixels: Tensor, depth: Tensor) -> Tensor:
            row = row_of.index_select(0, pixels).long()
            inside = row.clamp(min=0)
            view = pixels // (self.shape[1] * self.shape[2])
            corners = depth[view[:, None], faces.index_select(0, self.faces.index_select(0, inside))]
            return torch.where(row >= 0, (barycentric.index_select(0, inside) * corners).sum(-1), torch.inf)

        blend = blends(clip, faces, self.shape, depth_at)
        ends = torch.cat([blend.target, blend.source])
        reached = torch.unique(ends[row_of.index_select(0, ends) < 0])
        row_of.index_copy_(0, reached, torch.arange(len(reached), device=rows.device).int() + len(self.pixels))
        values = torch.cat([values, values.new_zeros(len(reached), values.shape[1])])
        target, source = (row_of.index_select(0, pixels).long() for pixels in (blend.target, blend.source))
        change = blend.share[:, None] * (values.index_select(0, source) - values.index_select(0, target))
        return torch.cat([self.pixels, reached]), values.index_add(0, target, change)
