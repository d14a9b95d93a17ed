"""Points of the part of a body that clothes can lie on: the draping network's input.

The body's mesh is cut to where clothes may be, subdivided once after Loop (1987), and some of its vertices are taken.
All of this is linear in the vertices, so it is one sparse matrix of a topology.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, eye, vstack

from model.engines.pointcloth.codes import OutfitCode
from model.errors import InputError

Indices = NDArray[np.int64]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Subdivision:
    """matrix: (V', V), new vertices of old ones; the old ones come first. faces: (4 F, 3)."""

    matrix: csr_matrix
    faces: Indices


@dataclass(frozen=True)
class BodyPoints:
    """matrix: (N, V), from a body's vertices to its points."""

    matrix: csr_matrix

    def of(self, vertices: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, 3) of vertices, (V, 3).

        Raises:
            InputError: the body has another number of vertices.
        """
        expected = self.matrix.shape[1]
        if vertices.shape != (expected, 3):
            message = f"the body has {len(vertices)} vertices, that of the weights has {expected}"
            raise InputError(message, code=OutfitCode.BODY_MISMATCH, field="body")
        points: NDArray[np.float32] = (self.matrix @ vertices.astype(np.float64)).astype(np.float32)
        return points


def body_points(faces: Indices, clothed: NDArray[np.bool_], samples: Indices) -> BodyPoints:
    """Of a topology. faces: (F, 3). clothed: (V,). samples: (N,), of the subdivided cut's vertices."""
    kept, cut_faces = cut(faces, clothed)
    subdivision = loop_subdivision(cut_faces, len(kept))
    taken = csr_matrix((np.ones(len(kept)), (np.arange(len(kept)), kept)), shape=(len(kept), len(clothed)))
    return BodyPoints(csr_matrix(subdivision.matrix[samples] @ taken))


def cut(faces: Indices, kept: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """The numbers of the vertices kept, (V',), and the faces all of whose corners are, (F', 3), in new numbers."""
    numbers = np.flatnonzero(kept)
    new = np.cumsum(kept) - 1
    return numbers, new[faces[kept[faces].all(1)]]


def loop_subdivision(faces: Indices, vertices: int) -> Subdivision:
    """One step of Loop's scheme. Edges' new vertices are numbered as the edges are first met, face by face."""
    ends = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, first, same, counts = np.unique(ends, axis=0, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    edges, boundary = ends[first[order]], counts[order] == 1
    of_face = number[same.reshape(-1)].reshape(-1, 3)  # (F, 3), edges (0, 1), (1, 2), (2, 0)
    old = _moved(edges, boundary, vertices)
    new = _split(edges, boundary, of_face, faces, vertices)
    (a, b, c), (ab, bc, ca) = faces.T, of_face.T + vertices
    quarters = np.stack([[a, ab, ca], [ab, b, bc], [bc, c, ca], [ab, bc, ca]]).transpose(2, 0, 1)
    return Subdivision(csr_matrix(vstack([old, new])), quarters.reshape(-1, 3))


def _moved(edges: Indices, boundary: NDArray[np.bool_], vertices: int) -> csr_matrix:
    """Old vertices: smoothed by their neighbours, on a boundary by those along it. One without any stays."""
    around, along = _neighbours(edges, vertices), _neighbours(edges[boundary], vertices)
    valence, rim = (np.asarray(matrix.sum(1)).ravel() for matrix in (around, along))
    on_rim = rim >= 2
    inner = np.where(valence == 3, 3 / 16, 3 / (8 * np.maximum(valence, 1)))
    weights = np.where(on_rim, 1 / 8, inner)
    count = np.where(on_rim, rim, valence)
    smoothed = diags(weights * ~on_rim) @ around + diags(weights * on_rim) @ along
    return csr_matrix(diags(1 - weights * count) @ eye(vertices) + smoothed)


def _neighbours(edges: Indices, vertices: int) -> csr_matrix:
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(vertices, vertices))


def _split(edges: Indices, boundary: NDArray[np.bool_], of_face: Indices, faces: Indices, vertices: int) -> csr_matrix:
    """New vertices: on edges, also weighed by the corners opposite to them."""
    rows = np.arange(len(edges))
    half = np.where(boundary, 1 / 2, 3 / 8)
    inside = ~boundary[of_face]
    opposite = faces[:, [2, 0, 1]]
    values = np.concatenate([half, half, np.full(int(inside.sum()), 1 / 8)])
    places = np.concatenate([rows, rows, of_face[inside]]), np.concatenate([*edges.T, opposite[inside]])
    return csr_matrix((values, places), shape=(len(edges), vertices))
