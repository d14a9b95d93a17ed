"""How far a mesh is from the pictures of normals and silhouettes that it is fitted to."""

from __future__ import annotations

import torch
from torch import Tensor

from model.avatar.targets import Targets
from model.mesh.cameras import to_clip
from model.mesh.normals import vertex_normals
from model.mesh.rasterise_torch import Torch


class SparseLoss:
    """Mean difference of normals plus mean difference of silhouettes, as `render_normals` shows the mesh.

    Only pixels in which the mesh is seen, or which its silhouettes reach, are computed: in all others it shows nothing,
    and what the targets have there is one number, known from the start.
    """

    def __init__(self, targets: Targets, cameras: Tensor) -> None:
        self._size = targets.masks.shape[1]
        self._cameras = cameras
        wanted = torch.cat([targets.normals, targets.masks], -1)
        # Each channel's share of its mean.
        self._weights = wanted.new_tensor([1 / 3, 1 / 3, 1 / 3, 1]) / wanted[..., 0].numel()
        self._wanted = wanted.flatten(0, 2)  # (views * size * size, 4)
        self._total = self._wanted.abs().sum(0)

    def __call__(self, rasteriser: Torch, vertices: Tensor, faces: Tensor) -> Tensor:
        """Of vertices (V, 3), differentiable, and faces (F, 3)."""
        clip = to_clip(vertices, self._cameras)
        seen = rasteriser.seen(clip, faces, self._size, self._size)
        colours = (seen.interpolate(vertex_normals(vertices, faces), faces) + 1) / 2
        shown = torch.cat([colours, torch.ones_like(colours[:, :1])], 1)
        pixels, shown = seen.antialias(shown, clip, faces)
        wanted = self._wanted.index_select(0, pixels)
        elsewhere = self._total - wanted.abs().sum(0)
        off = (shown.clamp(0, 1) - wanted).abs().sum(0)
        loss: Tensor = ((off + elsewhere) * self._weights).sum()
        return loss
