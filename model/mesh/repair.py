"""Surfaces whose every edge has two faces, out of such as touch themselves, as edge collapse leaves them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Vertices = NDArray[np.float32]
Faces = NDArray[np.int64]

_APART = 1e-3  # of the way to its neighbours by which a vertex moves from its copy, so that none welds them again


def untouching(vertices: Vertices, faces: Faces) -> tuple[Vertices, Faces]:
    """The surface without triangles that lie back to back, and with a copy of its own for each part of it that meets
    others in a vertex or an edge. Where the parts along an edge cannot be told apart, it stays as it is.

    vertices: (V, 3). faces: (F, 3), each edge of an even number of them.
    """
    faces = _without_back_to_back(faces)
    corners = _fans(faces)
    if not _closed(corners):
        return vertices, faces
    source = np.zeros(corners.max(initial=-1) + 1, np.int64)
    source[corners] = faces
    order = np.argsort(source, kind="stable")  # vertices stay in their order, copies side by side
    corners, source = np.argsort(order)[corners], source[order]
    apart = vertices[source].astype(np.float64)
    copies = np.bincount(source, minlength=len(vertices))[source] > 1
    middles = _middles(apart, corners)
    apart[copies] += _APART * (middles - apart)[copies]
    return apart.astype(np.float32), corners


def _without_back_to_back(faces: Faces) -> Faces:
    """Without pairs of triangles of the same corners: they enclose nothing."""
    while True:
        _, which, counts = np.unique(np.sort(faces, axis=1), axis=0, return_inverse=True, return_counts=True)
        kept = counts[which.reshape(-1)] % 2 == 1
        if kept.all():
            return faces
        faces = faces[kept]


def _fans(faces: Faces) -> Faces:
    """(F, 3): which fan of triangles around its vertex each corner belongs to. Fans end at edges of more than two."""
    following = np.roll(faces, -1, axis=1)
    ends = np.sort(np.stack([faces, following], -1).reshape(-1, 2), axis=1)
    _, edge, counts = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(edge.reshape(-1), kind="stable")
    one, other = order[counts[edge.reshape(-1)][order] == 2].reshape(-1, 2).T  # half edges of one edge
    corner = np.arange(faces.size).reshape(-1, 3)
    start, end = corner.reshape(-1), np.roll(corner, -1, axis=1).reshape(-1)
    turned = faces.reshape(-1)[one] == faces.reshape(-1)[other]  # of triangles that do not agree on what is outside
    first, second = (np.where(turned, a[other], b[other]) for a, b in ((start, end), (end, start)))
    rows, columns = np.concatenate([start[one], end[one]]), np.concatenate([first, second])
    joined = coo_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=(faces.size, faces.size))
    _, fans = connected_components(joined, directed=False)
    corners: Faces = fans.reshape(-1, 3).astype(np.int64)
    return corners


def _closed(faces: Faces) -> bool:
    ends = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], -1).reshape(-1, 2), axis=1)
    _, counts = np.unique(ends, axis=0, return_counts=True)
    return bool((counts == 2).all())


def _middles(vertices: NDArray[np.float64], faces: Faces) -> NDArray[np.float64]:
    """(V, 3): of the triangles around each vertex."""
    centres = vertices[faces].mean(1).repeat(3, 0)
    counts = np.bincount(faces.reshape(-1), minlength=len(vertices))
    sums = [np.bincount(faces.reshape(-1), centres[:, axis], len(vertices)) for axis in range(3)]
    return np.stack(sums, 1) / np.maximum(counts, 1)[:, None]
