"""The interface to nvdiffrast, for CUDA (Laine et al. 2020)."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import ClassVar

import torch
from torch import Tensor

from model.mesh.rasteriser import Fragments


class Nvdiffrast:
    """Rasterises and blends silhouettes with nvdiffrast's CUDA kernels.

    Its picture has the interface's conventions already: row 0 is y = -1, smaller z / w is nearer. Barycentrics are
    perspective-correct, which for orthographic cameras changes nothing.
    """

    name: ClassVar[str] = "nvdiffrast"

    def __init__(self, torch_device: torch.device) -> None:
        self._nvdiffrast: ModuleType = import_module("nvdiffrast.torch")
        self._context: object = self._nvdiffrast.RasterizeCudaContext(device=torch_device)

    def rasterise(self, clip: Tensor, faces: Tensor, height: int, width: int) -> Fragments:
        """See `Rasteriser.rasterise`."""
        raster = self._rasterise(clip, faces, height, width)
        return fragments_of(raster)

    def antialias(self, picture: Tensor, fragments: Fragments, clip: Tensor, faces: Tensor) -> Tensor:
        """See `Rasteriser.antialias`."""
        raster = raster_of(fragments, clip, faces)
        blended: Tensor = self._nvdiffrast.antialias(
            picture.contiguous(), raster, clip.float().contiguous(), faces.int().contiguous()
        )
        return blended

    def _rasterise(self, clip: Tensor, faces: Tensor, height: int, width: int) -> Tensor:
        raster: Tensor
        raster, _ = self._nvdiffrast.rasterize(
            self._context, clip.float().contiguous(), faces.int().contiguous(), resolution=[height, width]
        )
        return raster


def fragments_of(raster: Tensor) -> Fragments:
    """From nvdiffrast's picture, (views, H, W, 4): u, v, z / w and the face's number from 1; u and v are the weights of
    the first and the second corner."""
    faces = raster[..., 3].detach().long() - 1
    u, v = raster[..., 0], raster[..., 1]
    barycentric = torch.stack([u, v, 1 - u - v], dim=-1)
    return Fragments(faces, barycentric * (faces >= 0)[..., None])


def raster_of(fragments: Fragments, clip: Tensor, faces: Tensor) -> Tensor:
    """The inverse, with depths worked out again: what antialiasing asks for, which uses faces and depths only."""
    views = torch.arange(len(clip), device=clip.device).view(-1, 1, 1, 1)
    with torch.no_grad():
        depth = clip[..., 2] / clip[..., 3]
        corners = depth[views, faces[fragments.faces.clamp(min=0)]]  # (views, H, W, 3)
        weights = fragments.barycentric
        z = (weights * corners).sum(-1)
        return torch.stack([weights[..., 0], weights[..., 1], z, (fragments.faces + 1).to(z.dtype)], dim=-1)
