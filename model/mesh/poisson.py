"""Screened Poisson surface reconstruction (Kazhdan and Hoppe 2013), by their own code in a library."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.mesh import native
from model.mesh.components import largest_component
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.runtime.side_process import Compute, in_this_process

DEPTH = 10  # of the octree: the box around the points, a tenth larger, is cut into 2 ** depth
_SCREENING = 4.0  # how firmly the surface is held to the points; the authors' default


def poisson(points: Tensor, normals: Tensor, depth: int = DEPTH, *, run: Compute = in_this_process) -> Mesh:
    """The largest part of a closed surface through points. points: (P, 3); normals: (P, 3), unit, outward.

    The library keeps Python's lock meanwhile, for seconds; `run` may compute it elsewhere.
    """
    arrays = [np.array(tensor.double().cpu().numpy()) for tensor in (points, normals)]
    vertices, faces = run(native.poisson_surface, *arrays, _SCREENING, depth)
    mesh = Mesh(torch.from_numpy(vertices).float(), torch.from_numpy(faces).long())
    return largest_component(Mesh(mesh.vertices.to(points.device), mesh.faces.to(points.device)))


def sealed(mesh: Mesh, depth: int = DEPTH, *, run: Compute = in_this_process) -> Mesh:
    """One closed surface in place of parts that touch or overlap."""
    return poisson(mesh.vertices, vertex_normals(mesh.vertices, mesh.faces), depth, run=run)
