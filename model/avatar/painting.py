"""The generated views, laid around a reconstruction to paint it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor

from model.avatar.colour import coloured, coloured_as_published, stacked, views_of
from model.avatar.reconstruction import HALF_HEIGHT, RADIUS
from model.mesh.atlas import Atlas
from model.mesh.baking import Detail, Texels, laid_out
from model.mesh.completion import complete, nearest_colours, unreached
from model.mesh.mesh import Mesh
from model.mesh.placement import normalised
from model.mesh.rasteriser import Rasteriser
from model.mesh.view_projection import Projection


class MeshPainter:
    """Paints meshes that stand where the body stood that the views were made around.

    Args:
        body: in A pose, metres.
        views: six RGBA pictures in the order of `AZIMUTHS`.
        size: pixels a side at which they are looked at.
        reference: colours as the published code gives them.
    """

    def __init__(
        self, body: Mesh, views: Sequence[Image.Image], size: int, rasteriser: Rasteriser, *, reference: bool = False
    ) -> None:
        _, self._centre, self._scale = normalised(body.vertices, HALF_HEIGHT)
        self._views = views_of(stacked(views, size).to(body.vertices.device), RADIUS)
        self._rasteriser = rasteriser
        self._reference = reference

    def coloured(self, mesh: Mesh) -> Mesh:
        """The mesh with a colour for every vertex."""
        if self._reference:
            painted = coloured_as_published(self.placed(mesh), self._views, self._rasteriser)
        else:
            painted = coloured(self.projection(mesh), self.detail(mesh))
        return replace(mesh, colours=painted.colours)

    def projection(self, mesh: Mesh) -> Projection:
        """The views around the mesh, ready to be asked."""
        return Projection(self.placed(mesh), self._views, self._rasteriser)

    def detail(self, mesh: Mesh) -> Detail | None:
        """What is known of the mesh's colours more finely than the views show them: nothing, unless an engine does."""
        return None

    def projection_of(self, mesh: Mesh, pictures: Tensor, *, slack: float = 1.0) -> Projection:
        """Other pictures of what the first views show, (V, C + 1, h, w), alpha last, around the mesh."""
        count = len(pictures)
        cameras, weights = self._views.cameras[:count], self._views.weights[:count]
        views = replace(self._views, pictures=pictures.to(self._views.pictures), cameras=cameras, weights=weights)
        return Projection(self.placed(mesh), views, self._rasteriser, slack=slack)

    def shares(self, mesh: Mesh, parts: Tensor) -> Tensor:
        """(V, C): how far each vertex of the mesh is of each of C parts, which sum to about 1.

        parts: (6, C, h, w), the same of the views' pixels; all 0 beside the person.
        """
        there = parts.sum(1, keepdim=True)
        pictures = torch.cat([parts / there.clamp(min=1e-6), there.clamp(max=1)], 1)
        projection = self.projection_of(mesh, pictures)
        sums, weights = projection.shown(projection.mesh.vertices, projection.normals)
        seen = weights > 0
        shares = sums / weights.clamp(min=1e-6)[:, None]
        shares = nearest_colours(shares, seen, mesh.vertices, unreached(seen, mesh.faces))
        return complete(shares, seen, mesh.faces)

    def texels(self, atlas: Atlas, projection: Projection) -> Texels:
        """Where the texels of the mesh's atlas lie. Its vertex colours show where no view does."""
        if projection.mesh.colours is None:
            raise ValueError("the mesh has no colours yet")
        return laid_out(atlas, projection, projection.mesh.colours, self._rasteriser)

    def placed(self, mesh: Mesh) -> Mesh:
        """The mesh in the cameras' space."""
        return replace(mesh, vertices=(mesh.vertices - self._centre) * self._scale)
