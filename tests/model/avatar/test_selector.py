"""Which tokens a view picks."""

from __future__ import annotations

import pytest
import torch

from model.avatar.feature_selector import FeatureSelector, select
from tests.model.up2you.goldens import golden, golden_json, largest_difference


def test_selection_as_published() -> None:
    reference = golden("feature_selector")
    maps = torch.cat([reference[f"map_{i}"] for i in range(3)])[..., 0]
    for case in golden_json("feature_selector")["cases"]:
        layer, ratio = case["layer"], case["ratio"]
        selected = FeatureSelector(maps, ratio)(reference[f"feat_{layer}"][0])
        assert largest_difference(selected, reference[f"out_{layer}_r{ratio}"]) <= 1e-6


@pytest.mark.parametrize(("photos", "most"), [(1, 1), (2, 2), (9, 2)])
def test_a_view_gets_as_many_tokens_whatever_the_number_of_photos(photos: int, most: int) -> None:
    generator = torch.Generator().manual_seed(0)
    selector = FeatureSelector(torch.rand(6, photos, 5, 5, generator=generator))
    assert selector(torch.randn(photos, 8, 8, 3, generator=generator)).shape == (6, most * 64, 3)


def test_what_is_picked_keeps_its_order_and_has_the_largest_weights() -> None:
    generator = torch.Generator().manual_seed(1)
    maps = torch.rand(2, 4, 7, 7, generator=generator)
    tokens, weights = select(maps, 7, 7, 1.5)
    assert tokens.shape == (2, 73)
    assert (tokens.diff(dim=1) > 0).all()
    for view in range(2):
        left = torch.ones(4 * 49, dtype=torch.bool)
        left[tokens[view]] = False
        assert weights[view].min() >= maps[view].flatten()[left].max()


def test_tokens_nobody_weighs_are_zeros() -> None:
    maps = torch.zeros(1, 2, 4, 4)
    maps[0, 1, 2, 3] = 0.5
    features = torch.arange(2 * 16 * 2, dtype=torch.float32).view(2, 4, 4, 2) + 1
    selected = FeatureSelector(maps)(features)[0]
    assert (selected.abs().sum(1) > 0).sum() == 1
    assert torch.equal(selected[selected.abs().sum(1) > 0][0], 0.5 * features[1, 2, 3])


def test_layers_of_one_size_share_a_selection() -> None:
    selector = FeatureSelector(torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(2)))
    first = selector.selection(6, 6, torch.float32)
    assert selector.selection(6, 6, torch.float32) is first
    assert selector.selection(3, 3, torch.float32).tokens.shape == (2, 18)


def test_weights_are_rounded_to_the_features_dtype_before_they_are_compared() -> None:
    maps = torch.tensor([[[[1.0, 1.0001], [1.0002, 0.5]]]])
    selected = FeatureSelector(maps, 1.0).selection(2, 2, torch.float16)
    assert selected.weights.tolist() == [[1.0, 1.0, 1.0, 0.5]]
    assert FeatureSelector(maps)(torch.ones(1, 2, 2, 3, dtype=torch.float16)).dtype == torch.float16
