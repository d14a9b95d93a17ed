"""Small meshes and cameras for the tests of rasterisers."""

from __future__ import annotations

import torch
import trimesh
from torch import Tensor

from model.mesh.rasteriser import Rasteriser


def square(half: float = 0.5, turn_degrees: float = 0.0, depth: float = 0.0) -> tuple[Tensor, Tensor]:
    """Two triangles facing the viewer: vertices (4, 3) and faces."""
    vertices = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * half
    turn = torch.tensor(turn_degrees).deg2rad()
    turned = vertices @ torch.stack([torch.stack([turn.cos(), turn.sin()]), torch.stack([-turn.sin(), turn.cos()])])
    return torch.cat([turned, torch.full((4, 1), depth)], dim=1), torch.tensor([[0, 1, 2], [0, 2, 3]])


def sphere(subdivisions: int, radius: float = 0.7) -> tuple[Tensor, Tensor]:
    """An icosphere around the origin."""
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return torch.tensor(mesh.vertices, dtype=torch.float32), torch.tensor(mesh.faces)


def clip_of(vertices: Tensor, w: float = 1.0) -> Tensor:
    """Clip space of one view along z: (1, V, 4), scaled so that x / w is the vertex's x."""
    return torch.cat([vertices * w, torch.full_like(vertices[:, :1], w)], dim=1)[None]


def alpha_of(rasteriser: Rasteriser, clip: Tensor, faces: Tensor, height: int, width: int) -> Tensor:
    """The antialiased mask, (views, H, W)."""
    fragments = rasteriser.rasterise(clip, faces, height, width)
    covered = (fragments.faces >= 0).to(clip.dtype)[..., None]
    return rasteriser.antialias(covered, fragments, clip, faces)[..., 0]
