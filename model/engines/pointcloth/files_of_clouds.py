"""A cloud as files that viewers open: PLY of points, GLB of small discs or of one closed surface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import trimesh
from scipy.spatial import cKDTree
from torch import Tensor
from trimesh.exchange.ply import export_ply

from model.clothes.arrays import Floats
from model.mesh.glb import write_glb
from model.mesh.mesh import Mesh
from model.mesh.poisson import poisson
from model.mesh.surface import Surface
from model.runtime.side_process import Compute, in_this_process

_SIDES = 6  # of a disc
_REACH = 0.9  # a disc's radius, in distances between points
_NEIGHBOURS = 12  # of a point and itself: through them its plane is laid
_DEPTH = 7  # of the octree: clouds are coarse
_STRAY = 2.5  # distances between points: a surface farther from all of them is made up, and left out


def write_cloud_ply(file: Path, points: Floats, colours: Floats | None) -> None:
    """A binary PLY of points, with colours of 8 bits if there are some. Metres, Y up."""
    levels = None if colours is None else np.rint(colours.clip(0, 1) * 255).astype(np.uint8)
    file.write_bytes(export_ply(trimesh.PointCloud(points, colors=levels)))


def write_discs_glb(file: Path, points: Floats, colours: Floats | None, body: Floats) -> None:
    """A disc a point. body: (V, 3), whose outside tells which way they look."""
    normals, spacing = cloud_normals(points, body)
    write_glb(file, discs(points, normals, colours, _REACH * spacing))


def write_surface_glb(
    file: Path, points: Floats, colours: Floats | None, body: Floats, *, run: Compute = in_this_process
) -> None:
    """The surface through the points, without what closes it far from them."""
    normals, spacing = cloud_normals(points, body)
    mesh = poisson(torch.from_numpy(points), torch.from_numpy(normals), _DEPTH, run=run)
    tree = cKDTree(points)
    gaps, nearest = tree.query(mesh.vertices.numpy())
    kept = torch.from_numpy(gaps < _STRAY * spacing)[mesh.faces].all(1)
    painted = None if colours is None else torch.from_numpy(colours[nearest])
    write_glb(file, Surface.painted(Mesh(mesh.vertices, mesh.faces[kept], painted)))


def cloud_normals(points: Floats, body: Floats) -> tuple[Floats, float]:
    """Unit normals, (N, 3), away from the body, (V, 3), and the usual distance between points."""
    tree = cKDTree(points)
    gaps, around = tree.query(points, min(_NEIGHBOURS, len(points)))
    patches = points[around] - points[around].mean(1, keepdims=True)
    _, directions = np.linalg.eigh(patches.transpose(0, 2, 1) @ patches)
    normals = directions[..., 0]
    _, under = cKDTree(body).query(points, 8)
    outside = points - body[under].mean(1)
    normals *= np.where((normals * outside).sum(1, keepdims=True) < 0, -1, 1)
    return normals.astype(np.float32), float(np.median(gaps[:, 1]))


def discs(points: Floats, normals: Floats, colours: Floats | None, radius: float) -> Surface:
    """Polygons around the points."""
    other = np.where(np.abs(normals[:, 1:2]) < 0.9, [[0, 1, 0]], [[1, 0, 0]])
    across = np.cross(normals, other)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(normals, across)
    angles = np.arange(_SIDES) * 2 * np.pi / _SIDES
    rim = np.cos(angles)[None, :, None] * across[:, None] + np.sin(angles)[None, :, None] * up[:, None]
    corners = (points[:, None] + radius * rim).reshape(-1, 3)
    fan = np.array([[0, i, i + 1] for i in range(1, _SIDES - 1)])
    faces = (fan[None] + _SIDES * np.arange(len(points))[:, None, None]).reshape(-1, 3)

    def repeated(values: Floats) -> Tensor:
        return torch.from_numpy(np.repeat(values, _SIDES, 0).astype(np.float32))

    painted = None if colours is None else repeated(colours)
    positions = torch.from_numpy(corners.astype(np.float32))
    return Surface(positions, torch.from_numpy(faces), repeated(normals), colours=painted)
