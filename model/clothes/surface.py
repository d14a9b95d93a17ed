"""Skin, hair or cloth as triangles in T pose that joints move. A surface can be cut, pushed outwards and posed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.clothes.arrays import Floats, Indices
from model.clothes.buffers import BodyLayer


@dataclass(frozen=True)
class SkinnedSurface:
    """vertices: (V, 3) of one person in T pose. places: (V, 3), the same vertices on the template. weights: (V, 55).
    faces: (F, 3), outwards."""

    layer: BodyLayer
    vertices: Floats
    places: Floats
    weights: Floats
    faces: Indices

    def cut(self, depths: Floats) -> SkinnedSurface:
        """What lies where `depths`, (V,), is positive; triangles are cut along the line where it is zero."""
        faces, edges, shares = cut_along_zero(self.faces, depths)

        def carried(values: Floats) -> Floats:
            start, end = values[edges[:, 0]], values[edges[:, 1]]
            return np.concatenate([values, start + shares[:, None] * (end - start)])

        vertices, places, weights = (carried(values) for values in (self.vertices, self.places, self.weights))
        kept, faces = np.unique(faces, return_inverse=True)
        return SkinnedSurface(self.layer, vertices[kept], places[kept], weights[kept], faces.reshape(-1, 3))

    def pushed(self, distances: Floats) -> SkinnedSurface:
        """Moved along its normals by (V,) metres."""
        return replace(self, vertices=self.vertices + vertex_normals(self.vertices, self.faces) * distances[:, None])

    def posed(self, transforms: Floats) -> Floats:
        """Linear blend skinning: (V, 3). transforms: (55, 4, 4), what each joint does to a point in T pose."""
        blended = (self.weights @ transforms[:, :3].reshape(len(transforms), 12)).reshape(-1, 3, 4)
        turned: Floats = np.einsum("vij,vj->vi", blended[..., :3], self.vertices) + blended[..., 3]
        return turned


def cut_along_zero(faces: Indices, depths: Floats) -> tuple[Indices, Indices, Floats]:
    """The part of a mesh where a function of its vertices is positive.

    Returns:
        faces (F', 3), whose indices from V on are new vertices; the edges (E, 2) on which these lie; and how far along
        them, (E,).
    """
    inside = depths[faces] > 0
    count = inside.sum(1)
    one, two = (_rolled(faces[count == n], inside[count == n], first=n == 1) for n in (1, 2))
    ends = np.sort(np.concatenate([one[:, [0, 1]], one[:, [0, 2]], two[:, [0, 1]], two[:, [0, 2]]]), axis=1)
    edges, where = np.unique(ends, axis=0, return_inverse=True)
    ab, ac, de, df = np.split(where.reshape(-1) + len(depths), np.cumsum([len(one), len(one), len(two)]))
    a, e, f = one[:, 0], two[:, 1], two[:, 2]  # of triangles abc only a is inside, of triangles def only d outside
    corners = [(a, ab, ac), (e, f, df), (e, df, de)]
    parts = [faces[count == 3], *(np.stack(triangle, 1) for triangle in corners)]
    start, end = depths[edges[:, 0]], depths[edges[:, 1]]
    return np.concatenate(parts), edges, (start / (start - end)).astype(np.float32)


def _rolled(faces: Indices, inside: NDArray[np.bool_], *, first: bool) -> Indices:
    """Triangles turned so that their only corner that is inside (`first`), or outside, comes first."""
    start = (inside == first).argmax(1)
    return np.take_along_axis(faces, (start[:, None] + np.arange(3)) % 3, axis=1)


def vertex_normals(vertices: Floats, faces: Indices) -> Floats:
    """(V, 3) unit vectors, weighed by area; zero for a vertex of no face."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    crosses = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    corners = faces.reshape(-1)
    summed = np.stack([np.bincount(corners, crosses[:, axis], len(vertices)) for axis in range(3)], 1)
    unit: Floats = (summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return unit
