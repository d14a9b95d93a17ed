"""A painted figure and pictures of it: what colours are measured on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log10

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from model.mesh.atlas import Atlas, sample_texture
from model.mesh.cameras import orthographic_cameras, to_clip
from model.mesh.mesh import Mesh
from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import interpolate
from tests.model.mesh.shapes import sphere

Paint = Callable[[Tensor], Tensor]  # colours in 0..1 of places, both (..., 3)
RADIUS = 2.0
_GRAY = 0.5
_OVERSAMPLED = 2


def smooth(places: Tensor) -> Tensor:
    """Slow waves of all colours."""
    waves = places.new_tensor([[2.0, 1.0, 3.0], [4.0, 2.0, -1.0], [-3.0, 2.0, 2.0]])
    return 0.5 + 0.45 * torch.sin(places @ waves + places.new_tensor([0.0, 1.0, 2.0]))


def checks(side: float) -> Paint:
    """Cubes of two smooth paints by turns."""

    def paint(places: Tensor) -> Tensor:
        odd = (places / side).floor().sum(-1, keepdim=True) % 2
        return odd * smooth(places) + (1 - odd) * 0.8 * (1 - smooth(places))

    return paint


def figure(subdivisions: int = 4) -> Mesh:
    """A trunk, and an arm that does not touch it and reaches beyond 1.1 to the left side."""
    trunk, faces = sphere(subdivisions, radius=1.0)
    arm, arm_faces = sphere(max(subdivisions - 1, 0), radius=1.0)
    vertices = torch.cat([trunk * torch.tensor([0.5, 1.6, 0.4]), arm * 0.25 + torch.tensor([1.3, 0.2, 0.0])])
    return Mesh(vertices, torch.cat([faces, arm_faces + len(trunk)]))


def pictures(mesh: Mesh, azimuths: Sequence[float], size: int, paint: Paint) -> Tensor:
    """The mesh in that paint on gray: (views, 4, size, size) with straight alpha."""
    return _render(mesh.vertices, mesh.faces, mesh.vertices, azimuths, size, paint)


def with_vertex_colours(mesh: Mesh, colours: Tensor, azimuths: Sequence[float], size: int) -> Tensor:
    """As `pictures`, of a mesh whose vertices have colours."""
    return _render(mesh.vertices, mesh.faces, colours, azimuths, size, lambda pixels: pixels)


def with_texture(mesh: Mesh, atlas: Atlas, texture: Tensor, azimuths: Sequence[float], size: int) -> Tensor:
    """As `pictures`, of a mesh with a texture, (H, W, 3) in 0..1."""
    vertices = mesh.vertices[atlas.source]
    return _render(vertices, atlas.faces, atlas.uv, azimuths, size, lambda uv: sample_texture(texture, uv))


def psnr(measured: Tensor, true: Tensor) -> float:
    """Decibels of RGBA pictures' colours inside the true mask."""
    inside = true[:, 3] == 1
    return -10 * log10(float((measured[:, :3] - true[:, :3]).square().mean(1)[inside].mean()))


def _render(
    vertices: Tensor, faces: Tensor, attributes: Tensor, azimuths: Sequence[float], size: int, shade: Paint
) -> Tensor:
    cameras = orthographic_cameras(azimuths, RADIUS)
    return torch.cat([_view(vertices, faces, attributes, camera, size, shade) for camera in cameras])


def _view(vertices: Tensor, faces: Tensor, attributes: Tensor, camera: Tensor, size: int, shade: Paint) -> Tensor:
    fine = size * _OVERSAMPLED
    fragments = Torch().rasterise(to_clip(vertices, camera[None]), faces, fine, fine)
    alpha = (fragments.faces >= 0).float()[..., None]
    colours = shade(interpolate(attributes, faces, fragments)) * alpha + _GRAY * (1 - alpha)
    return avg_pool2d(torch.cat([colours, alpha], dim=-1).movedim(-1, 1), _OVERSAMPLED)
