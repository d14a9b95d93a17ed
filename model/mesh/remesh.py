"""One step of continuous remeshing (Palfinger 2022, "Continuous remeshing for inverse rendering").

Short and folded edges collapse, long ones split, and flips even out the degrees: a little at every step of an
optimisation, so that the mesh follows whatever it becomes.
"""

from __future__ import annotations

from torch import Generator, Tensor

from model.mesh.collapse import collapse, collapse_priority, nominated_edges
from model.mesh.edges import Edges
from model.mesh.flip import flip
from model.mesh.split import split

# Beyond so many vertices nothing is split.
MAX_VERTICES = 1_000_000


def remesh(
    state: Tensor,
    edges: Edges,
    shortest: float,
    longest: float,
    generator: Generator,
    *,
    reference: bool = False,
) -> tuple[Tensor, Edges]:
    """Collapse, split, flip.

    Args:
        state: (V, C): position in the first three columns, wanted edge length in the last; the others follow along.
        edges: of the faces.
        shortest, longest: in wanted edge lengths; what lies beyond collapses or splits.
        generator: on the CPU, for the collapses.
        reference: as published, slips included: see `flip`, and where vertices were merged, edges split by the
            length one of them wanted, not by the mean.
    """
    lengths, wanted = edges.lengths(state[:, :3]), state[:, -1]
    nominated = nominated_edges(state[:, :3], edges, lengths, wanted * shortest, generator)
    priority = collapse_priority(edges, lengths, wanted * shortest, nominated)
    state, faces, origin = collapse(state, edges, priority)
    wanted = wanted[origin] if reference else state[:, -1]
    edges = edges if faces is edges.faces else Edges.of(faces, len(state))
    if len(state) < MAX_VERTICES:
        too_long = edges.lengths(state[:, :3]) > (wanted * longest)[edges.ends].mean(-1)
        state, faces = split(state, edges, too_long)
        edges = edges if faces is edges.faces else Edges.of(faces, len(state))
    faces = flip(state[:, :3], edges, reference=reference)
    return state, edges if faces is edges.faces else Edges.of(faces, len(state))
