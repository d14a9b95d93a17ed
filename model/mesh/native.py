"""Libraries that keep Python's lock while they compute, on plain arrays: made to run in a process of their own.

So nothing of torch is imported here.
"""

from __future__ import annotations

import fast_simplification
import numpy as np
import xatlas

Arrays = tuple[np.ndarray, np.ndarray]


def poisson_surface(points: np.ndarray, normals: np.ndarray, screening: float, depth: int) -> Arrays:
    """Vertices and faces of the surface through points, (P, 3) float64; see `model.mesh.poisson`."""
    # Without the package around it, which draws in much more.
    from gpytoolbox_bindings import _point_cloud_to_mesh_cpp_impl as reconstruct

    # One thread: the library's authors say that more of them can crash it.
    vertices, faces = reconstruct(points, normals, screening, depth, "Neumann", False, False)
    return vertices, faces


def simplified(vertices: np.ndarray, faces: np.ndarray, count: int) -> Arrays:
    """Vertices, (V, 3) float32, and at most about `count` of the faces, (F, 3) int32; see `model.mesh.decimation`."""
    vertices, faces = fast_simplification.simplify(vertices, faces, target_count=count)
    return vertices, faces


def charts(
    vertices: np.ndarray, faces: np.ndarray, size: int, padding: int, max_chart_area: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source, faces and uv of an atlas of (V, 3) float32 vertices and (F, 3) uint32 faces; see `model.mesh.atlas`."""
    atlas = xatlas.Atlas()
    atlas.add_mesh(vertices, faces)
    packing = xatlas.PackOptions()
    packing.resolution = size
    packing.padding = padding
    packing.bilinear = True
    charting = xatlas.ChartOptions()
    charting.max_chart_area = max_chart_area
    atlas.generate(charting, packing)
    source, faces, uv = atlas[0]
    return source, faces, uv
