"""Hands are too small for the pictures: what was made of them gives way to the body's own."""

from __future__ import annotations

from torch import Tensor

from model.avatar.reconstruction import HALF_HEIGHT
from model.mesh.components import joined, of_faces, without_crumbs
from model.mesh.distance import near_edges, nearest_vertices
from model.mesh.mesh import Mesh
from model.mesh.placement import normalised

REACH = 0.08  # from the hands, in units of the reconstruction (the body is 3.6 high): 4 cm
_CRUMBS = 0.01  # share of the vertices


def swap_hands(mesh: Mesh, start: Mesh, hand_faces: Tensor, near_wrist: Tensor, *, reach: float = REACH) -> Mesh:
    """The reconstruction without what lies by the body's hands, and the body's hands: loose parts, yet to be joined.

    Args:
        mesh: reconstructed, metres.
        start: the body it began with, metres.
        hand_faces: (F,) bool, the faces of `start` that are its hands.
        near_wrist: (V,) bool, the vertices of `start` by which something may be cut: only what is nearest to one of
            them is, so that a hand by the hip takes no trousers away.
    """
    if not hand_faces.any():
        return mesh
    hands = of_faces(Mesh(start.vertices, start.faces), hand_faces)
    _, _, scale = normalised(start.vertices, HALF_HEIGHT)
    by_hand = near_edges(mesh.vertices, hands, reach / float(scale))
    by_hand &= near_wrist.to(by_hand.device)[nearest_vertices(mesh.vertices, start)]
    body = of_faces(mesh, ~by_hand[mesh.faces].any(1))
    return joined([hands, without_crumbs(body, _CRUMBS)])
