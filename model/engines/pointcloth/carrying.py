"""Where points of a cloud lay in another cloud of the same points, as cloth would have moved from one to the other.

The draping network places each point by itself. Points of two legs that lie beside each other in one skirt need not do
so in another, so what is painted point by point falls to pieces. Between the clouds of one outfit cloth moves almost
rigidly wherever it is looked at closely: so each place is carried by its neighbourhood (moving least squares, Levin
1998, by similarities as Schaefer et al. 2006), and neighbours that were elsewhere do not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from model.clothes.arrays import Floats

_Real = NDArray[np.float64]

_NODES, _AROUND = 2048, 160  # points that neighbourhoods are made of, and the most in one
_MIDDLE = 0.1  # metres around a point among which the middle place is a first guess
_ROUNDS = 8  # of finding it
_WIDTHS = ((0.16, 0.15), (0.12, 0.10), (0.09, 0.08), (0.07, 0.06))  # metres: of neighbourhoods, and of those who agree
_NEAR, _FINE = 24, (0.04, 0.05)  # the last one, from nodes to all points
_STIFF = 1e-2  # square metres: the spread below which a neighbourhood turns, but does not shear
_STRETCH = 0.8, 1.25


def carried(cloud: Floats, before: Floats) -> Floats:
    """Places, (N, 3), in `before` of the points of `cloud`, both (N, 3) metres and of the same points."""
    to: _Real = before.astype(np.float64)
    at: _Real = cloud.astype(np.float64)
    every = -(-len(at) // _NODES)
    nodes, there = at[::every], to[::every]
    tree = cKDTree(nodes)
    gaps, near = _nearest(tree, nodes, _AROUND)
    places = _middles(gaps, there[near])
    for widths in _WIDTHS:
        places, _ = _moved(nodes, nodes[near], there[near], gaps, places, *widths)
    gaps, near = _nearest(tree, at, _NEAR)
    return _moved(at, nodes[near], places[near], gaps, places[near[:, 0]], *_FINE)[0].astype(np.float32)


def local_maps(cloud: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Around each point of a cloud, (N, 3), whose places, (N, 3), `carried` has found: linear maps, (N, 3, 3), and
    offsets, (N, 3), from rows of positions to places."""
    at, to = cloud.astype(np.float64), places.astype(np.float64)
    gaps, near = _nearest(cKDTree(at), at, _NEAR)
    _, maps = _moved(at, at[near], to[near], gaps, to, *_FINE)
    return maps.astype(np.float32), (to - (at[:, None] @ maps)[:, 0]).astype(np.float32)


def motion(cloud: Floats, moved: Floats) -> tuple[Floats, Floats]:
    """The turn, (3, 3), and the shift, (3,), that carry rows of a rigid cloud, (N, 3), to where it has moved."""
    at, to = cloud.astype(np.float64), moved.astype(np.float64)
    left, _, right = np.linalg.svd((at - at.mean(0)).T @ (to - to.mean(0)))
    turn = left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right
    return turn.astype(np.float32), (to.mean(0) - at.mean(0) @ turn).astype(np.float32)


def _nearest(tree: cKDTree, at: _Real, count: int) -> tuple[_Real, NDArray[np.int64]]:
    count = min(count, tree.n)
    gaps, near = tree.query(at, count)
    return gaps.reshape(len(at), count), near.reshape(len(at), count)


def _middles(gaps: _Real, there: _Real) -> _Real:
    """(N, 3): the geometric medians of where neighbours, (N, K, 3), were (Weiszfeld 1937)."""
    weights = around = np.exp(-0.5 * (gaps / _MIDDLE) ** 2)
    middle: _Real = _mean(weights, there)
    for _ in range(_ROUNDS):
        weights = around / (np.linalg.norm(there - middle[:, None], axis=-1) + 0.01)
        middle = _mean(weights, there)
    return middle


def _moved(
    at: _Real, here: _Real, there: _Real, gaps: _Real, guess: _Real, wide: float, agreeing: float
) -> tuple[_Real, _Real]:
    """(N, 3): each of `at` as its neighbours, (N, K, 3), moved from here to there, those counting that came near the
    guess; and the map of its neighbourhood, (N, 3, 3)."""
    strays = np.maximum(np.linalg.norm(there - guess[:, None], axis=-1) - gaps, 0)
    weights = np.exp(-0.5 * ((gaps / wide) ** 2 + (strays / agreeing) ** 2)) + 1e-9
    weights /= weights.sum(1, keepdims=True)
    of_here, of_there = _mean(weights, here), _mean(weights, there)
    here, there = here - of_here[:, None], there - of_there[:, None]
    weighed = (weights[..., None] * here).swapaxes(1, 2)
    spread, crossed = weighed @ here, weighed @ there
    turn = _similarity(spread, crossed)
    maps: _Real = np.linalg.solve(spread + _STIFF * np.eye(3), crossed + _STIFF * turn)
    return of_there + ((at - of_here)[:, None] @ maps)[:, 0], maps


def _mean(weights: _Real, places: _Real) -> _Real:
    mean: _Real = (weights[:, None] @ places)[:, 0] / weights.sum(1, keepdims=True)
    return mean


def _similarity(spread: _Real, crossed: _Real) -> _Real:
    """(N, 3, 3), for rows: the turn and scale that carry neighbourhoods best (Umeyama 1991)."""
    left, singular, right = np.linalg.svd(crossed)
    signs = np.ones_like(singular)
    signs[:, 2] = np.sign(np.linalg.det(left @ right))
    scale = (singular * signs).sum(1) / np.maximum(np.trace(spread, axis1=1, axis2=2), 1e-12)
    turn: _Real = (left * signs[:, None]) @ right * np.clip(scale, *_STRETCH)[:, None, None]
    return turn
