"""Coarser versions of a mesh that are painted by the same atlas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from model.mesh.atlas import Atlas
from model.mesh.components import component_of
from model.mesh.decimation import decimated
from model.mesh.mesh import Mesh
from model.mesh.triangles import closest_in_triangles
from model.runtime.side_process import Compute, in_this_process

Floats = NDArray[np.float32]

_TRIED = 8  # triangles whose middles are nearest: the closest one is among them


@dataclass(frozen=True)
class DetailLevel:
    """mesh: with colours of its vertices, if the finest has. atlas: of the mesh, into the picture of the finest.
    parts: (F,) of each triangle, as of the finest."""

    mesh: Mesh
    atlas: Atlas | None
    parts: Tensor | None


def coarser(finest: DetailLevel, faces: int, *, run: Compute = in_this_process) -> DetailLevel:
    """The same surface in at most about so many triangles, each painted from where in the atlas the finest is at it.

    A triangle belongs to the chart that the finest has at its middle, and a corner beyond the chart's border is painted
    as the border is. A closed surface stays closed. On the CPU.
    """
    mesh = decimated(finest.mesh, faces, run=run)
    if mesh is finest.mesh:
        return finest
    triangles = _array(finest.mesh.vertices)[finest.mesh.faces.numpy(force=True)]
    points, corners = _array(mesh.vertices), mesh.faces.numpy(force=True)
    nearest, _ = closest(points[corners].mean(1), triangles)
    colours = None
    if finest.mesh.colours is not None:
        on, shares = closest(points, triangles)
        known = _array(finest.mesh.colours)[finest.mesh.faces.numpy(force=True)[on]]
        colours = torch.from_numpy(np.einsum("vc,vcx->vx", shares, known).astype(np.float32)).to(mesh.vertices)
    parts = None if finest.parts is None else finest.parts[torch.from_numpy(nearest).to(finest.parts.device)]
    atlas = None if finest.atlas is None else _mapped(finest.atlas, triangles, nearest, mesh)
    return DetailLevel(Mesh(mesh.vertices, mesh.faces, colours), atlas, parts)


def _mapped(atlas: Atlas, triangles: Floats, nearest: NDArray[np.int64], mesh: Mesh) -> Atlas:
    """triangles: (F, 3, 3), of the finest mesh. nearest: which of them lies at the middle of each one of `mesh`."""
    uv, painted = _array(atlas.uv), atlas.faces.numpy(force=True)
    charts = component_of(atlas.faces.cpu(), len(uv)).numpy()[painted[:, 0]]  # (F,)
    corners, chart = mesh.faces.numpy(force=True), charts[nearest]
    pairs = np.stack([np.repeat(chart, 3), corners.reshape(-1)], 1)
    vertices, which = np.unique(pairs, axis=0, return_inverse=True)  # a vertex counts once in each chart
    points = _array(mesh.vertices)[vertices[:, 1]]
    found = np.zeros((len(vertices), 2), np.float32)
    for name in np.unique(vertices[:, 0]):
        here, of_chart = vertices[:, 0] == name, np.flatnonzero(charts == name)
        on, shares = closest(points[here], triangles[of_chart])
        found[here] = np.einsum("vc,vcx->vx", shares, uv[painted[of_chart[on]]])
    source, faces = torch.from_numpy(vertices[:, 1].copy()), torch.from_numpy(which.reshape(-1, 3).astype(np.int64))
    device = mesh.vertices.device
    return Atlas(source.to(device), faces.to(device), torch.from_numpy(found).to(device), atlas.size)


def closest(points: Floats, triangles: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Of each point, (P, 3), the closest of the triangles, (F, 3, 3), and where in it that is: (P,) and (P, 3)."""
    count = min(_TRIED, len(triangles))
    _, tried = cKDTree(triangles.mean(1)).query(points, count)
    tried = np.asarray(tried).reshape(-1, count)
    shares, squared = closest_in_triangles(points[:, None], triangles[tried])
    best = squared.argmin(1)
    each = np.arange(len(points))
    return tried[each, best].astype(np.int64), shares[each, best]


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.numpy(force=True)
    return array
