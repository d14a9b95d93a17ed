"""Fewer triangles of the same shape."""

from __future__ import annotations

import numpy as np
import torch
from fast_simplification import simplify

from model.mesh.mesh import Mesh


def decimated(mesh: Mesh, faces: int) -> Mesh:
    """The mesh with at most about so many faces, by quadric edge collapse (Garland and Heckbert 1997).

    A mesh within the budget is returned as it is; otherwise vertices move, so colours are lost. On the CPU.
    """
    if len(mesh.faces) <= faces:
        return mesh
    vertices, triangles = simplify(
        mesh.vertices.numpy(force=True).astype(np.float32),
        mesh.faces.numpy(force=True).astype(np.int32),
        target_count=faces,
    )
    device = mesh.vertices.device
    return Mesh(torch.from_numpy(vertices).to(mesh.vertices), torch.from_numpy(triangles.astype(np.int64)).to(device))
