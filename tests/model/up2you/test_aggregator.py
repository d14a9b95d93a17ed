"""Pose encoder and feature aggregator."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from model.engines.up2you.features.aggregator import AttentionScores, FeatureAggregator
from model.engines.up2you.features.weights import feature_aggregator
from model.engines.up2you.files import FEATURE_AGGREGATOR
from tests.model.up2you.goldens import golden, golden_json, largest_difference, state_dict

CPU = torch.device("cpu")


@pytest.fixture
def tiny(tmp_path: Path) -> FeatureAggregator:
    file = tmp_path / FEATURE_AGGREGATOR
    file.parent.mkdir(parents=True)
    torch.save(state_dict(golden("feature_aggregator")), file)
    size = golden_json("feature_aggregator")["pose_img_size"]
    return feature_aggregator(tmp_path, size).load(CPU, torch.float32)


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Poses (6, 3, 80, 80), features (3, 5, 5, 64), alphas (3, 80, 80)."""
    reference = golden("feature_aggregator")
    return reference["pose"][0].permute(0, 3, 1, 2), reference["ref_feats"][0], reference["ref_alphas"][0]


def test_weight_maps_as_published(tiny: FeatureAggregator, inputs: tuple[Tensor, Tensor, Tensor]) -> None:
    reference = golden("feature_aggregator")
    poses, features, alphas = inputs
    with torch.no_grad():
        assert largest_difference(tiny.pose_tokens(poses), reference["pose_tokens"]) <= 1e-5
        assert largest_difference(tiny(poses, features, alphas), reference["weight_maps"][:, 0, ..., 0]) <= 1e-5
        assert largest_difference(tiny(poses, features), reference["weight_maps_nomask"][:, 0, ..., 0]) <= 1e-5


def test_smoothed_weight_maps_as_in_training(tiny: FeatureAggregator, inputs: tuple[Tensor, Tensor, Tensor]) -> None:
    tiny.smooth = True
    with torch.no_grad():
        maps = tiny(*inputs)
    assert largest_difference(maps, golden("feature_aggregator")["weight_maps_smooth"][:, 0, ..., 0]) <= 1e-5


def test_a_views_map_does_not_depend_on_the_other_views(
    tiny: FeatureAggregator, inputs: tuple[Tensor, Tensor, Tensor]
) -> None:
    poses, features, alphas = inputs
    with torch.no_grad():
        together = tiny(poses, features, alphas)
        alone = torch.cat([tiny(pose[None], features, alphas) for pose in poses])
    assert largest_difference(together, alone) < 1e-6


def test_a_photo_of_nobody_has_no_weight(tiny: FeatureAggregator, inputs: tuple[Tensor, Tensor, Tensor]) -> None:
    poses, features, alphas = inputs
    with torch.no_grad():
        maps = tiny(poses, features, torch.stack([torch.zeros(80, 80), *alphas[1:]]))
    assert not maps[:, 0].any()
    assert maps[:, 1:].any()


def test_the_closed_form_is_the_mean_of_all_scores() -> None:
    torch.manual_seed(0)
    correspondence = AttentionScores(64).double()
    tokens, context = torch.randn(6, 11, 64, dtype=torch.float64), torch.randn(50, 64, dtype=torch.float64)
    with torch.no_grad():
        closed, plain = correspondence(tokens, context), correspondence.plainly(tokens, context)
    assert plain.abs().max() > 0.01
    assert largest_difference(closed, plain) < 1e-14


def test_the_closed_form_does_not_work_for_every_score() -> None:
    """At the published size the scores of all heads would be 6 * 16 * 1024 * 8 * 1369 numbers."""
    module = AttentionScores(64).to("meta")
    tokens, context = torch.empty(6, 1024, 64, device="meta"), torch.empty(8 * 1369, 64, device="meta")
    work = []
    for compute in (module, module.plainly):
        with FlopCounterMode(display=False) as counter:
            compute(tokens, context)
        work.append(counter.get_total_flops())
    assert work[0] <= 2 * 64 * 6 * (8 * 1369 + 2 * 64 + 1)  # a row of 64 for each view: times photos, weights, bias
    assert work[0] < work[1] / 500
