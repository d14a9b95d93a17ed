"""Colours spread from known vertices to their neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

from model.mesh.completion import adjacency, complete, nearest_colours, unreached
from tests.model.mesh.shapes import sphere

# A strip of triangles: i is a neighbour of i + 1 and i + 2.
STRIP = torch.tensor([[0, 1, 2], [2, 1, 3], [2, 3, 4]])


def test_adjacency_is_symmetric_and_ignores_how_often_an_edge_comes() -> None:
    expected = [
        [0, 1, 1, 0, 0],
        [1, 0, 1, 1, 0],
        [1, 1, 0, 1, 1],
        [0, 1, 1, 0, 1],
        [0, 0, 1, 1, 0],
    ]
    assert adjacency(torch.cat([STRIP, torch.tensor([[0, 0, 1]])]), 5).toarray().tolist() == expected


def test_rounds_are_those_of_the_method_worked_by_hand() -> None:
    known = torch.tensor([True, True, False, False, False])
    colours = torch.tensor([[0.0], [1.0], [9.0], [9.0], [9.0]])
    # Filling: 2 = (0 + 1) / 2 and 3 = 1; then 2 = (0 + 1 + 1) / 3, 3 = (1 + 0.5) / 2 and 4 = (0.5 + 1) / 2.
    two, three, four = 2 / 3, 0.75, 0.75
    for _ in range(2):  # smoothing, as many rounds
        two, three, four = (0 + 1 + three + four) / 4, (1 + two + four) / 3, (two + three) / 2
    expected = torch.tensor([[0.0], [1.0], [two], [three], [four]])
    torch.testing.assert_close(complete(colours, known, STRIP), expected)


def test_one_colour_fills_everything_it_reaches_and_nothing_else() -> None:
    vertices, faces = sphere(3)
    count = len(vertices)
    both = torch.cat([faces, faces + count])
    colours = torch.full((2 * count, 3), 0.25)
    colours[0] = 0.75
    known = torch.arange(2 * count) == 0
    completed = complete(colours, known, both)
    torch.testing.assert_close(completed[:count], torch.full((count, 3), 0.75))
    assert torch.equal(completed[count:], colours[count:])
    assert torch.equal(unreached(known, both), torch.arange(2 * count) >= count)


def test_known_colours_stay_and_nothing_leaves_their_range() -> None:
    vertices, faces = sphere(3)
    known = vertices[:, 1].abs() > 0.5
    colours = torch.where(known[:, None], vertices / 2 + 0.5, 7.0)
    completed = complete(colours, known, faces)
    assert torch.equal(completed[known], colours[known])
    assert bounded(completed[~known], colours[known])


def test_targets_take_the_nearest_known_colour() -> None:
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0.9, 0, 0], [0.2, 0, 0]])
    colours = torch.tensor([[0.1], [0.9], [0.5], [0.5]])
    known, targets = torch.tensor([True, True, False, False]), torch.tensor([False, False, True, True])
    assert torch.equal(nearest_colours(colours, known, vertices, targets), colours[[0, 1, 1, 0]])
    assert torch.equal(nearest_colours(colours, ~known & ~targets, vertices, targets), colours)


def bounded(values: Tensor, by: Tensor) -> bool:
    return bool((values >= by.amin(0)).all() and (values <= by.amax(0)).all())
