"""Weight maps as pictures."""

from __future__ import annotations

import torch

from model.avatar.heat_maps import heat_maps, jet
from tests.model.up2you.goldens import golden, largest_difference


def test_heat_maps_as_published() -> None:
    reference = golden("heatmap")
    maps = torch.cat([reference["map_0"], reference["map_1"]])[..., 0]
    pictures = heat_maps(maps, reference["mask"][0])
    for view in range(2):
        assert largest_difference(pictures[view].movedim(1, -1), reference[f"out_{view}"][0]) <= 1e-5


def test_the_colours_go_from_blue_to_red() -> None:
    colours = jet(torch.tensor([[0.0, 0.375, 0.65, 1.0]]))[:, 0].T
    assert colours[0].tolist() == [0.0, 0.0, 0.5]
    assert colours[1][1] == 1.0
    assert colours[2][2] < 0.01
    assert colours[3].tolist() == [0.5, 0.0, 0.0]


def test_photos_of_nobody_and_even_weights_are_no_trouble() -> None:
    maps = torch.rand(1, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    assert not heat_maps(maps, torch.zeros(2, 9, 9)).any()
    even = heat_maps(torch.ones(1, 2, 3, 3), torch.ones(2, 9, 9))
    assert torch.equal(even, jet(torch.zeros(1, 2, 9, 9)))
