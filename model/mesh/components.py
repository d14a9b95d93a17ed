"""The connected parts of a mesh."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from model.mesh.mesh import Mesh


def component_of(faces: Tensor, vertices: int) -> Tensor:
    """(V,) int64, which part each vertex is in, counted from 0; a vertex without faces is a part of its own."""
    ends = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]]]).cpu().numpy()
    graph = coo_array((np.ones(len(ends), np.bool_), (ends[:, 0], ends[:, 1])), shape=(vertices, vertices))
    _, labels = connected_components(graph, directed=False)
    return torch.from_numpy(labels.astype(np.int64)).to(faces.device)


def of_faces(mesh: Mesh, chosen: Tensor) -> Mesh:
    """The mesh of some faces, (F,) bool, and the vertices they have."""
    faces = mesh.faces[chosen]
    used = torch.zeros(len(mesh.vertices), dtype=torch.bool, device=faces.device)
    used[faces.flatten()] = True
    colours = None if mesh.colours is None else mesh.colours[used]
    return Mesh(mesh.vertices[used], (used.cumsum(0) - 1)[faces], colours)


def without_crumbs(mesh: Mesh, share: float) -> Mesh:
    """Without parts that have at most `share` of the vertices."""
    labels = component_of(mesh.faces, len(mesh.vertices))
    large = labels.bincount() > share * len(mesh.vertices)
    return of_faces(mesh, large[labels[mesh.faces[:, 0]]])


def largest_component(mesh: Mesh) -> Mesh:
    """The part with most vertices."""
    labels = component_of(mesh.faces, len(mesh.vertices))
    return of_faces(mesh, labels[mesh.faces[:, 0]] == labels.bincount().argmax())


def joined(meshes: list[Mesh]) -> Mesh:
    """Several meshes as one, without colours."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + int(start) for mesh, start in zip(meshes, starts, strict=False)]
    return Mesh(torch.cat([mesh.vertices for mesh in meshes]), torch.cat(faces))
