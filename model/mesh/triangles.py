"""The closest points of triangles."""

from __future__ import annotations

import numpy as np


def closest_in_triangles(points: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The closest point of each triangle, and how far it is.

    Args:
        points: (..., 3), broadcast against the triangles.
        corners: (..., 3 corners, 3).

    Returns:
        Barycentric coordinates (..., 3) and the squared distances (...).
    """
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    inside = _plane_coordinates(points, a, b, c)
    on_edges = [_edge_coordinates(points, corners, start) for start in range(3)]
    choices = np.stack([inside, *on_edges])  # (4, ..., 3)
    reached = np.einsum("n...c,...cx->n...x", choices, corners)
    squared = ((reached - points) ** 2).sum(-1)
    squared[0] = np.where((inside >= 0).all(-1), squared[0], np.inf)
    best = squared.argmin(0)
    return (
        np.take_along_axis(choices, best[None, ..., None], 0)[0],
        np.take_along_axis(squared, best[None], 0)[0],
    )


def _plane_coordinates(points: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Barycentric coordinates of the foot of the perpendicular; (-1, 0, 0) in a triangle without area."""
    u, v, w = b - a, c - a, points - a
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    wu, wv = (w * u).sum(-1), (w * v).sum(-1)
    area = uu * vv - uv * uv
    flat = area <= 1e-12 * uu * vv
    area = np.where(flat, 1, area)
    second, third = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    coordinates = np.stack([1 - second - third, second, third], axis=-1)
    return np.where(flat[..., None], np.array([-1.0, 0, 0], dtype=coordinates.dtype), coordinates)


def _edge_coordinates(points: np.ndarray, corners: np.ndarray, start: int) -> np.ndarray:
    """Barycentric coordinates of the closest point of the edge that begins at corner `start`."""
    end = (start + 1) % 3
    edge = corners[..., end, :] - corners[..., start, :]
    length = np.maximum((edge * edge).sum(-1), np.finfo(edge.dtype).tiny)
    along = np.clip(((points - corners[..., start, :]) * edge).sum(-1) / length, 0, 1)
    coordinates = np.zeros((*along.shape, 3), dtype=along.dtype)
    coordinates[..., start], coordinates[..., end] = 1 - along, along
    return coordinates
