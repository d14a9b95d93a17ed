"""A texture's coordinates: the mesh cut into charts that lie flat, side by side, in one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from model.mesh import native
from model.mesh.mesh import Mesh
from model.mesh.normals import face_normals
from model.runtime.side_process import Compute, in_this_process

PADDING = 4  # texels between charts: two mip levels do not mix them
# Charts of any size cost xatlas time that grows with their square; more of them than this waste texels on padding.
_CHARTS = 100


@dataclass(frozen=True)
class Atlas:
    """Where each triangle lies in a square texture.

    source: (A,) int64, the mesh's vertex that each of the atlas's vertices is; those on a seam come several times.
    faces: (F, 3) int64 into the atlas's vertices, in the mesh's order. uv: (A, 2) float32 in 0..1, the origin at the
    picture's top left. size: texels along a side.
    """

    source: Tensor
    faces: Tensor
    uv: Tensor
    size: int


def unwrap(mesh: Mesh, size: int, *, run: Compute = in_this_process) -> Atlas:
    """Cut and pack a mesh for a texture of size x size texels, by xatlas.

    Equal meshes give equal atlases. Degenerate triangles get a place of no area. On the CPU.
    The library keeps Python's lock meanwhile; `run` may compute it elsewhere.
    """
    surface = float(face_normals(mesh.vertices, mesh.faces).norm(dim=1).sum()) / 2
    source, faces, uv = run(
        native.charts,
        mesh.vertices.numpy(force=True).astype(np.float32),
        mesh.faces.numpy(force=True).astype(np.uint32),
        size,
        PADDING,
        surface / _CHARTS,
    )
    return Atlas(
        source=_tensor(source.astype(np.int64), mesh),
        faces=_tensor(faces.astype(np.int64), mesh),
        uv=_tensor(uv.astype(np.float32), mesh),
        size=size,
    )


def sample_texture(texture: Tensor, uv: Tensor) -> Tensor:
    """A texture's colours at given coordinates, bilinear between texel centres, its rim repeated beyond it.

    texture: (H, W, C) float. uv: (..., 2), the origin at the top left. Returns (..., C).
    """
    grid = (uv * 2 - 1).view(1, -1, 1, 2).to(texture)
    channels_first = texture.movedim(-1, 0)[None]
    colours = grid_sample(channels_first, grid, padding_mode="border", align_corners=False)  # (1, C, P, 1)
    return colours[0, ..., 0].T.reshape(*uv.shape[:-1], -1)


def _tensor(array: np.ndarray, mesh: Mesh) -> Tensor:
    return torch.from_numpy(array).to(mesh.vertices.device)
