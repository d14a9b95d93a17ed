"""Networks of the published size, with weights from a formula: some ten seconds' work on one core."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from model.avatar.feature_selector import FeatureSelector
from model.engines.up2you.features.aggregator import FeatureAggregator
from model.engines.up2you.features.weights import feature_aggregator, shape_predictor
from tests.model.up2you.goldens import golden, golden_json, largest_difference

NOWHERE = Path("/nowhere")
PHOTOS, SIDE, GRID = 2, 768, 37


def base() -> int:
    number: int = golden_json("realsize_formula")["base"]
    return number


def noise(n: int, shape: Sequence[int]) -> Tensor:
    """The n-th tensor of hashed integers: even in [-sqrt(3), sqrt(3)]."""
    x = np.arange(math.prod(shape), dtype=np.uint32)
    x *= np.uint32(2654435761)
    x += np.uint32((n + base()) * 40503 % 2**32)
    for shift, factor in ((16, 2246822519), (13, 3266489917)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    x ^= x >> np.uint32(16)
    even = (x / 2**32 - 0.5) * math.sqrt(12)
    return torch.from_numpy(even.astype(np.float32)).reshape(*shape)


def filled(module: nn.Module) -> None:
    tensors = {}
    for n, (key, tensor) in enumerate(module.state_dict().items()):
        if not tensor.is_floating_point():
            tensors[key] = torch.zeros(tensor.shape, dtype=tensor.dtype)
            continue
        u = noise(n, tensor.shape)
        if key.endswith("running_var"):
            tensors[key] = 1 + 0.25 * u
        elif key.endswith("gamma"):
            tensors[key] = 0.5 + 0.1 * u
        elif key.endswith("shape_tokens"):
            tensors[key] = 0.5 * u
        elif u.ndim == 1 and key.endswith(".weight"):
            tensors[key] = 1 + 0.1 * u
        else:
            tensors[key] = 0.1 * u if u.ndim == 1 else u / math.sqrt(math.prod(u.shape[1:]))
    module.load_state_dict(tensors, assign=True)


def relative(one: Tensor, other: Tensor) -> float:
    return largest_difference(one, other) / other.abs().max().item()


def photo_features() -> Tensor:
    return noise(5000, (PHOTOS, GRID, GRID, 1024))


def test_the_shape_predictor_of_published_size() -> None:
    reference = golden("realsize_formula")
    predictor = shape_predictor(NOWHERE).module
    filled(predictor)
    with torch.no_grad():
        assert relative(predictor(photo_features()[None]), reference["betas"][:, 0]) < 1e-3


def test_aggregator_and_selector_of_published_size() -> None:
    """One of the two views, because views do not depend on each other."""
    reference = golden("realsize_formula")
    aggregator: FeatureAggregator = feature_aggregator(NOWHERE).module
    filled(aggregator)
    poses = (noise(6000, (2, SIDE, SIDE, 3)) / math.sqrt(12) + 0.5).permute(0, 3, 1, 2)[:1]
    alphas = (noise(7000, (PHOTOS, SIDE, SIDE)) > -1).float()
    with torch.no_grad():
        assert relative(aggregator.pose_tokens(poses)[:, ::64, ::32], reference["pose_tokens_sub"][:1]) < 1e-3
        maps = aggregator(poses, photo_features(), alphas)
    assert relative(maps, reference["weight_maps"][:1, 0, ..., 0]) < 1e-3
    selected = FeatureSelector(maps)(noise(8000, (PHOTOS, 24, 24, 64)))
    assert relative(selected[:, ::16, ::8], reference["selected_24"][:1]) < 1e-3
    assert relative(selected.sum(1), reference["selected_24_sum"][:1]) < 1e-3
