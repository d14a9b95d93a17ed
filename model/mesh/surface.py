"""What a file of a mesh holds beside its triangles: how it is shaded and painted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals


@dataclass(frozen=True)
class Surface:
    """A mesh ready to be written: painted by a texture or by its vertices, not both.

    positions: (V, 3) metres. faces: (F, 3) int64, counter-clockwise seen from outside. normals: (V, 3) of length 1.
    uv: (V, 2) in 0..1 with the origin at the picture's top left. texture: sRGB. colours: (V, 3) sRGB in 0..1.
    """

    positions: Tensor
    faces: Tensor
    normals: Tensor
    uv: Tensor | None = None
    texture: Image.Image | None = None
    colours: Tensor | None = None

    @classmethod
    def painted(cls, mesh: Mesh) -> Surface:
        """A mesh with its own vertex colours, if it has any."""
        return cls(mesh.vertices, mesh.faces, vertex_normals(mesh.vertices, mesh.faces), colours=mesh.colours)

    @classmethod
    def textured(cls, mesh: Mesh, source: Tensor, faces: Tensor, uv: Tensor, texture: Image.Image) -> Surface:
        """A mesh unwrapped into an atlas.

        Args:
            mesh: V vertices.
            source: (A) int64, the mesh's vertex that each of the atlas's A vertices is. Shading ignores the seams.
            faces: (F, 3) into the atlas's vertices.
            uv: (A, 2).
            texture: the atlas's picture.
        """
        return cls(mesh.vertices[source], faces, vertex_normals(mesh.vertices, mesh.faces)[source], uv, texture)

    def only(self, which: Tensor) -> tuple[Surface, Tensor]:
        """Some of its triangles, (F,) bool, with the vertices that they need; and which of its own, (V',), are."""
        kept, faces = torch.unique(self.faces[which], return_inverse=True)
        uv, colours = (None if part is None else part[kept] for part in (self.uv, self.colours))
        return Surface(self.positions[kept], faces, self.normals[kept], uv, self.texture, colours), kept

    def moved(self, offset: Tensor) -> Surface:
        """The surface somewhere else. offset: (3)."""
        return Surface(self.positions + offset, self.faces, self.normals, self.uv, self.texture, self.colours)
