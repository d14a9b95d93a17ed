"""Clothes on a body: its surface, smoothed and pushed out where something is worn. One closed surface, as seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from bench.people3d.outfit import Layer, Outfit, layers, painted_skin

Array = NDArray[np.float64]
Faces = NDArray[np.int64]

_HEM = 0.008  # metres over which a layer rises to its thickness
_PAINT_EDGE = 0.007  # over which its colour does
_BLUR = 0.018  # standard deviation of a round of smoothing, metres on the template


@dataclass(frozen=True)
class Surface:
    """A body in T pose. vertices: (V, 3) of one person; places: (V, 3), the same on the template; weights: (V, 55);
    faces: (F, 3)."""

    vertices: Array
    places: Array
    weights: Array
    faces: Faces

    def finer(self) -> Surface:
        """Every triangle cut into four at the middles of its edges."""
        corners = np.sort(self.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        edges, middle = np.unique(corners, axis=0, return_inverse=True)
        ab, bc, ca = (middle.reshape(-1, 3) + len(self.vertices)).T
        a, b, c = self.faces.T
        faces = np.concatenate([np.stack(f, 1) for f in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])

        vertices, places, weights = (
            np.concatenate([values, values[edges].mean(1)]) for values in (self.vertices, self.places, self.weights)
        )
        return Surface(vertices, places, weights, faces)


def dress(body: Surface, outfit: Outfit, eyeballs: NDArray[np.bool_], blur: csr_array) -> tuple[Surface, Array]:
    """The dressed person, four triangles for one, and its colours, (V, 3).

    Args:
        eyeballs: (V,), never covered.
        blur: see `cloth_blur`.
    """
    bare = body.finer()
    eyes = np.zeros(len(bare.vertices), np.bool_)
    eyes[bare.faces[np.tile(eyeballs[body.faces].all(1), 4)]] = True
    vertices, colours = bare.vertices, painted_skin(outfit, bare.places, eyes)
    for layer in layers(outfit, bare.places):
        depth = np.where(eyes, -1.0, layer.depth)
        cover, paint = (np.clip(share, 0, 1)[:, None] for share in (depth / _HEM, 0.5 + depth / _PAINT_EDGE))
        vertices = (1 - cover) * vertices + cover * _worn(body, layer, blur)
        colours = (1 - paint) * colours + paint * layer.colours
    return replace(bare, vertices=vertices), colours.clip(0, 1)


def _worn(body: Surface, layer: Layer, blur: csr_array) -> Array:
    """Where the layer lies, (V, 3) of the finer surface: free of the skin's relief, toes, navel, chest, as cloth is."""
    smooth = body.vertices
    for _ in range(layer.smoothness):
        smooth = blur @ smooth
    fine = replace(body, vertices=smooth).finer()
    worn: Array = fine.vertices + _normals(fine.vertices, fine.faces) * layer.thickness[:, None]
    return worn


def cloth_blur(places: Array, faces: Faces) -> csr_array:
    """(V, V): a Gaussian mean over what lies near on the template, every vertex weighed by its area."""
    tree = cKDTree(places)
    near = tree.sparse_distance_matrix(tree, 2.5 * _BLUR, output_type="coo_matrix")
    sizes = np.linalg.norm(_crosses(places, faces), axis=1)
    areas = np.bincount(faces.ravel(), np.repeat(sizes, 3), minlength=len(places))
    weights = np.exp(-((near.data / _BLUR) ** 2) / 2) * areas[near.col]
    totals = np.bincount(near.row, weights, minlength=len(places))
    return csr_array((weights / totals[near.row], (near.row, near.col)), shape=near.shape)


def _normals(vertices: Array, faces: Faces) -> Array:
    crosses = _crosses(vertices, faces)
    summed = np.stack([np.bincount(faces.ravel(), np.repeat(crosses[:, axis], 3)) for axis in range(3)], 1)
    unit: Array = summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
    return unit


def _crosses(vertices: Array, faces: Faces) -> Array:
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)
