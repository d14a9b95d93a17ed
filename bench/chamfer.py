"""How far two surfaces lie apart, as far as one sees them from outside."""

from __future__ import annotations

import math

import torch
from scipy.spatial import cKDTree
from torch import Generator, Tensor

from model.mesh.mesh import Mesh
from model.mesh.normals import face_normals
from model.mesh.rasteriser import Rasteriser, interpolate

POINTS = 100_000
_PIXELS_BEHIND = 3.0  # up to which a point counts as on the visible surface


def chamfer(first: Tensor, second: Tensor) -> float:
    """The mean of the two mean distances from points of one, (N, 3), to the nearest of the other, (M, 3)."""
    first, second = first.cpu(), second.cpu()
    there, _ = cKDTree(second).query(first)
    back, _ = cKDTree(first).query(second)
    return float(there.mean() + back.mean()) / 2


def outer_points(
    mesh: Mesh, rasteriser: Rasteriser, *, seed: int, points: int = POINTS, directions: int = 24, size: int = 512
) -> Tensor:
    """(points, 3), spread evenly over what one sees of a mesh from one of so many directions around.

    size: of the pictures that tell what hides what, in pixels.
    """
    low, high = mesh.vertices.aminmax(dim=0)
    centre, radius = (low + high) / 2, (high - low).norm() / 2
    unit = Mesh((mesh.vertices - centre) / radius, mesh.faces)
    generator = Generator().manual_seed(seed)
    kept: list[Tensor] = []
    while sum(map(len, kept)) < points:
        some = _sampled(unit, points, generator)
        kept.append(some[_visible(some, unit, rasteriser, directions, size)])
    outer: Tensor = torch.cat(kept)[:points] * radius + centre
    return outer


def _sampled(mesh: Mesh, points: int, generator: Generator) -> Tensor:
    """(points, 3), evenly over the whole surface."""
    areas = face_normals(mesh.vertices, mesh.faces).norm(dim=-1).cpu().double().cumsum(0)
    places = torch.rand(points, 3, generator=generator, dtype=torch.float64)
    chosen = torch.searchsorted(areas, places[:, 0] * areas[-1]).clamp(max=len(areas) - 1)
    side = places[:, 1].sqrt()
    weights = torch.stack([1 - side, side * (1 - places[:, 2]), side * places[:, 2]], 1).to(mesh.vertices)
    return (weights[..., None] * mesh.vertices[mesh.faces[chosen.to(mesh.faces.device)]]).sum(1)


def _visible(points: Tensor, mesh: Mesh, rasteriser: Rasteriser, directions: int, size: int) -> Tensor:
    """Which points, (P, 3) within the unit sphere, the surface hides from none or not all directions: (P,) bool."""
    seen = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    for turn in _turns(directions).to(points):
        turned = mesh.vertices @ turn.T
        clip = torch.cat([turned, torch.ones_like(turned[:, :1])], 1)
        fragments = rasteriser.rasterise(clip[None], mesh.faces, size, size)
        covered = fragments.faces[0] >= 0
        depth = torch.where(covered, interpolate(turned[:, 2:], mesh.faces, fragments)[0, ..., 0], torch.inf)
        place = points @ turn.T
        column, row = ((place[:, :2] + 1) / 2 * size).long().clamp(0, size - 1).T
        seen |= place[:, 2] < depth[row, column] + _PIXELS_BEHIND * 2 / size
    return seen


def _turns(directions: int) -> Tensor:
    """(directions, 3, 3), turns that bring directions spread over the sphere to look along z."""
    index = torch.arange(directions) + 0.5
    z = 1 - 2 * index / directions
    angle = math.pi * (1 + math.sqrt(5)) * index
    across = (1 - z * z).sqrt()
    direction = torch.stack([across * angle.cos(), across * angle.sin(), z], 1)
    helper = torch.where(z.abs()[:, None] > 0.9, torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0]))
    right = torch.nn.functional.normalize(torch.linalg.cross(helper, direction), dim=1)
    return torch.stack([right, torch.linalg.cross(direction, right), direction], 1)
