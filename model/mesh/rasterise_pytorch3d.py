"""The interface to pytorch3d's rasteriser, for CUDA and the CPU (Ravi et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import ClassVar

import torch
from torch import Tensor

from model.mesh.antialias import antialias
from model.mesh.rasteriser import Fragments


class Pytorch3d:
    """Rasterises with pytorch3d; silhouettes are blended by our own code.

    pytorch3d knows no near or far plane beyond z = 0, so depths are moved in front of it.
    """

    name: ClassVar[str] = "pytorch3d"

    def __init__(self) -> None:
        self._rasterize_meshes: Callable[..., tuple[Tensor, ...]] = import_module(
            "pytorch3d.renderer.mesh.rasterize_meshes"
        ).rasterize_meshes
        self._meshes: Callable[..., object] = import_module("pytorch3d.structures").Meshes

    def rasterise(self, clip: Tensor, faces: Tensor, height: int, width: int) -> Fragments:
        """See `Rasteriser.rasterise`."""
        meshes = self._meshes(verts=list(to_ndc(clip, height, width)), faces=[faces] * len(clip))
        packed, _, barycentric, _ = self._rasterize_meshes(
            meshes,
            image_size=(height, width),
            blur_radius=0.0,
            faces_per_pixel=1,
            perspective_correct=False,
            clip_barycentric_coords=False,
            cull_backfaces=False,
        )
        return fragments_of(packed[..., 0], barycentric[..., 0, :], len(faces))

    def antialias(self, picture: Tensor, fragments: Fragments, clip: Tensor, faces: Tensor) -> Tensor:
        """See `Rasteriser.antialias`."""
        return antialias(picture, fragments, clip, faces)


def to_ndc(clip: Tensor, height: int, width: int) -> Tensor:
    """Clip space in pytorch3d's axes: x to the left, y up, both -1..1 over the shorter side, depth positive.

    Its pictures have row 0 on top, y = +1, where ours is y = -1; both axes are turned, so the orientation stays.
    """
    shorter = min(height, width)
    scale = clip.new_tensor([-width / shorter, -height / shorter])
    x_y = clip[..., :2] / clip[..., 3:] * scale
    return torch.cat([x_y, clip[..., 2:3] / clip[..., 3:] + 2], dim=-1)


def fragments_of(packed: Tensor, barycentric: Tensor, faces: int) -> Fragments:
    """From faces numbered through all views, (views, H, W) with -1 where there is none, and their barycentrics."""
    covered = packed >= 0
    return Fragments(torch.where(covered, packed % max(faces, 1), -1), barycentric * covered[..., None])
