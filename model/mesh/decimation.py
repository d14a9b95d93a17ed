"""Fewer triangles of the same shape."""

from __future__ import annotations

import numpy as np
import torch

from model.mesh import native
from model.mesh.mesh import Mesh
from model.mesh.repair import untouching
from model.runtime.side_process import Compute, in_this_process


def decimated(mesh: Mesh, faces: int, *, run: Compute = in_this_process) -> Mesh:
    """The mesh with at most about so many faces, by quadric edge collapse (Garland and Heckbert 1997).

    A mesh within the budget is returned as it is; otherwise vertices move, so colours are lost. Of a closed surface
    every edge has two faces afterwards, too. On the CPU.
    The library keeps Python's lock meanwhile; `run` may compute it elsewhere.
    """
    if len(mesh.faces) <= faces:
        return mesh
    vertices, triangles = run(
        native.simplified,
        mesh.vertices.numpy(force=True).astype(np.float32),
        mesh.faces.numpy(force=True).astype(np.int32),
        faces,
    )
    vertices, triangles = untouching(vertices, triangles.astype(np.int64))
    return Mesh(torch.from_numpy(vertices).to(mesh.vertices), torch.from_numpy(triangles).to(mesh.faces))
