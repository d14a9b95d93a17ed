"""Skin weights: which joints move a vertex. Carried over from the body model to a mesh reconstructed around it.

A mesh of a dressed person follows the body under it. Each vertex takes the weights of the closest point of the posed
body *that looks the same way*: the flank under a hanging arm is nearer to the arm than to the body's flank, but the
arm's inside faces it. Clothes and hair end up with the weights of what they lie over.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.spatial import cKDTree
from torch import Tensor
from torch.nn.functional import pad

from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.mesh.skeleton import INFLUENCES, Skin
from model.mesh.triangles import closest_in_triangles

_FACING_M = 0.07  # a normal turned by 90 degrees counts as much as a gap of 1.4 times this
_CANDIDATES = 12  # triangles tried a vertex, twice
_SMOOTHING_STEPS = 10  # what the closest points tore apart, about three edges of the mesh grow together again
_CHUNK = 8192  # vertices at a time


def transfer_skin(mesh: Mesh, body: Mesh, weights: Tensor) -> Skin:
    """Weights for `mesh` from the posed `body` that it was reconstructed around.

    Args:
        mesh: V vertices, metres.
        body: in the same pose and place.
        weights: (B, J), each body vertex's, rows sum to 1.
    """
    transferred = closest_weights(mesh, body, weights.numpy(force=True))
    neighbours = neighbour_average(mesh)
    for _ in range(_SMOOTHING_STEPS):
        transferred = (transferred + neighbours @ transferred) / 2
    return strongest(torch.from_numpy(transferred))


def strongest(weights: Tensor) -> Skin:
    """The four strongest of (V, J) weights, normalised."""
    values, joints = weights.topk(min(INFLUENCES, weights.shape[1]), dim=1)
    missing = INFLUENCES - values.shape[1]
    values = pad(values / values.sum(1, keepdim=True), (0, missing))
    joints = pad(joints, (0, missing))
    return Skin(torch.where(values > 0, joints, 0), values.float())


def neighbour_average(mesh: Mesh) -> csr_matrix:
    """(V, V), whose product with vertices' values is the mean over each one's neighbours, or itself if it has none."""
    faces, count = mesh.faces.numpy(force=True), len(mesh.vertices)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ones = np.ones(2 * len(edges), dtype=np.float32)
    graph = coo_matrix((ones, (edges.ravel("F"), edges[:, ::-1].ravel("F"))), (count, count)).tocsr()
    graph.data[:] = 1  # an edge shared by two faces was counted twice
    degree = np.asarray(graph.sum(1)).ravel()
    graph = graph + diags((degree == 0).astype(np.float32))
    return csr_matrix(diags(1 / np.maximum(degree, 1).astype(np.float32)) @ graph)


def closest_weights(mesh: Mesh, body: Mesh, weights: np.ndarray, candidates: int = _CANDIDATES) -> np.ndarray:
    """Weights, (V, J) float32, at the points of the body that are closest and look the same way.

    Of each vertex only those triangles are tried whose centres are the `candidates` nearest, with their normals and
    without; with all of them it is exact.
    """
    points, facing = mesh.vertices.numpy(force=True), vertex_normals(mesh.vertices, mesh.faces).numpy(force=True)
    faces, body_facing = body.faces.numpy(force=True), vertex_normals(body.vertices, body.faces).numpy(force=True)
    corners = body.vertices.numpy(force=True)[faces]  # (F, 3, 3)
    near = _nearest(points, corners.mean(1), candidates)
    alike = _nearest(_oriented(points, facing), _oriented(corners.mean(1), body_facing[faces].mean(1)), candidates)
    tried = np.concatenate([near, alike], axis=1)  # (V, K)
    result = np.zeros((len(points), weights.shape[1]), dtype=np.float32)
    for start in range(0, len(points), _CHUNK):
        rows = slice(start, start + _CHUNK)
        barycentric, gap = closest_in_triangles(points[rows, None], corners[tried[rows]])  # (C, K, 3), (C, K)
        there = np.einsum("vkc,vkcx->vkx", barycentric, body_facing[faces[tried[rows]]])
        best = np.argmin(gap + _FACING_M**2 * ((there - facing[rows, None]) ** 2).sum(-1), axis=1)
        each = np.arange(len(best))
        found = faces[tried[rows][each, best]]  # (C, 3)
        result[rows] = np.einsum("vc,vcj->vj", barycentric[each, best], weights[found])
    return result


def _oriented(places: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """Places and directions as one point, (N, 6), so that the distance of two counts both."""
    return np.concatenate([places, _FACING_M * facing], axis=1)


def _nearest(points: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Indices, (N, count or fewer), of the nearest of the others."""
    count = min(count, len(others))
    return np.asarray(cKDTree(others).query(points, count)[1]).reshape(-1, count)
