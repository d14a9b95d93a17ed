"""Colours for vertices that no view shows, from their neighbours."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from torch import Tensor

_MOST_ROUNDS = 10_000  # far more than a mesh has vertices in a row; as published


def complete(colours: Tensor, known: Tensor, faces: Tensor) -> Tensor:
    """Let colours spread over the mesh from the vertices that have one, as the reference does.

    In each round every vertex that is not `known` takes the mean of its coloured neighbours, all neighbours alike.
    Once a round reaches nobody new, as many rounds again smooth what was filled. On the CPU, in float64.

    Args:
        colours: (V, C).
        known: (V,) bool, vertices whose colour stays.
        faces: (F, 3) int64.

    Returns (V, C). Vertices with no way along edges to a known one keep their colour.
    """
    neighbours = adjacency(faces, len(colours))
    filled = colours.numpy(force=True).astype(np.float64)
    coloured = known.numpy(force=True).copy()
    unknown = np.flatnonzero(~coloured)
    rows = neighbours[unknown]  # only these change
    rounds = 0
    while rounds < _MOST_ROUNDS:
        sources = rows @ coloured.astype(np.float64)  # coloured neighbours of each
        reached = unknown[sources > 0]
        if coloured[reached].all():
            break
        means = rows @ (filled * coloured[:, None]) / np.maximum(sources, 1)[:, None]
        filled[reached] = means[sources > 0]
        coloured[reached] = True
        rounds += 1
    free = unknown[coloured[unknown]]
    rows = neighbours[free]
    degrees = rows.sum(axis=1)[:, None]
    for _ in range(rounds):
        filled[free] = rows @ filled / degrees
    return torch.from_numpy(filled).to(colours)


def unreached(known: Tensor, faces: Tensor) -> Tensor:
    """Which vertices, (V,) bool, lie on a part of the mesh that has no known vertex."""
    _, labels = connected_components(adjacency(faces, len(known)), directed=False)
    part = torch.from_numpy(labels.astype(np.int64)).to(known.device)
    has_known = torch.zeros(int(part.max()) + 1 if len(part) else 0, dtype=torch.bool, device=known.device)
    has_known[part[known]] = True
    return ~has_known[part]


def nearest_colours(colours: Tensor, known: Tensor, vertices: Tensor, targets: Tensor) -> Tensor:
    """Colours with `targets`, (V,) bool, painted like the known vertex nearest in space, if there is any."""
    if not (known.any() and targets.any()):
        return colours
    points = np.nan_to_num(vertices.numpy(force=True))
    _, nearest = cKDTree(points[known.numpy(force=True)]).query(points[targets.numpy(force=True)])
    painted = colours.clone()
    painted[targets] = colours[known][torch.from_numpy(nearest).to(colours.device)]
    return painted


def adjacency(faces: Tensor, vertices: int) -> csr_array:
    """Which of so many vertices share an edge: (V, V) of ones and zeros, symmetric."""
    corners = faces.numpy(force=True)
    edges: NDArray[np.int64] = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    both = np.concatenate([edges, edges[:, ::-1]])
    matrix = coo_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(vertices, vertices)).tocsr()
    matrix.data[:] = 1  # each edge was counted once a face
    return matrix
