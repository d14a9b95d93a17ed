"""The networks between photos and views; every size of theirs is read off a tensor of their checkpoints."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from model.engines.up2you.features.aggregator import POSE_SIZE, FeatureAggregator
from model.engines.up2you.features.dino_weights import dino
from model.engines.up2you.features.image_features import Features
from model.engines.up2you.features.shape_predictor import ShapePredictor
from model.engines.up2you.files import FEATURE_AGGREGATOR, SHAPE_PREDICTOR
from model.weights.loading import Checkpoint, M, UnloadedNetwork, read_tensors

_PUBLISHED_CHANNELS = (32, 64, 128, 256, 512)
_PUBLISHED_BLOCKS = ("self", "self", "cross", "cross")


def shape_predictor(weights: Path) -> UnloadedNetwork[ShapePredictor]:
    """The shape predictor; computes in float32 as published."""

    def describe(sizes: Sizes) -> ShapePredictor:
        return ShapePredictor(
            dim=sizes.of("shape_tokens", 2, published=1024),
            blocks=sizes.count("blocks", published=6),
            trunk=sizes.count("shape_head.trunk", published=2),
            hidden=sizes.of("blocks.0.mlp.fc1.weight", 0, published=4096),
            branch=sizes.of("shape_head.shape_branch.fc1.weight", 0, published=512),
            shapes=sizes.of("shape_head.empty_shape_tokens", 2, published=10),
        )

    return _network(weights / SHAPE_PREDICTOR, describe)


def feature_aggregator(weights: Path, pose_size: int = POSE_SIZE) -> UnloadedNetwork[FeatureAggregator]:
    """The feature aggregator; computes in float32 as published.

    Args:
        pose_size: pixels to which it brings pose images, the one size its tensors do not tell.
    """

    def describe(sizes: Sizes) -> FeatureAggregator:
        return FeatureAggregator(
            _channels(sizes),
            dim=sizes.of("out_attn.q_proj.weight", 0, published=1024),
            blocks=_blocks(sizes),
            hidden=sizes.of("blocks.0.mlp.fc1.weight", 0, published=4096),
            pose_size=pose_size,
        )

    return _network(weights / FEATURE_AGGREGATOR, describe)


def features(weights: Path) -> UnloadedNetwork[Features]:
    """DINOv2, see `dino_weights`."""
    network = dino(weights)
    for checkpoint in network.checkpoints:
        names = checkpoint.names
        checkpoint.names = {key: [f"dino.{name}" for name in parts] for key, parts in names.items()}
    return UnloadedNetwork(Features(network.module).eval(), network.checkpoints)


class Sizes:
    """What the shapes of a checkpoint's tensors say; the published sizes where one is missing.

    So even a spoilt file has a network to be compared with, and the comparison says what is wrong with it.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.shapes = {key: tensor.shape for key, tensor in tensors.items()}

    def of(self, key: str, axis: int, *, published: int) -> int:
        """The length of an axis of a tensor."""
        shape = self.shapes.get(key, ())
        return shape[axis] if axis < len(shape) else published

    def count(self, name: str, *, published: int) -> int:
        """How many modules a list has."""
        pattern = re.compile(rf"{re.escape(name)}\.?(\d+)\.")
        found = [int(match[1]) for key in self.shapes if (match := pattern.match(key))]
        return max(found) + 1 if found else published


def _channels(sizes: Sizes) -> list[int]:
    channels = [sizes.of("pose_patch_embed.stem.0.weight", 0, published=_PUBLISHED_CHANNELS[0])]
    for i in range(1, sizes.count("pose_patch_embed.layer", published=len(_PUBLISHED_CHANNELS))):
        published = _PUBLISHED_CHANNELS[min(i, len(_PUBLISHED_CHANNELS) - 1)]
        channels.append(sizes.of(f"pose_patch_embed.layer{i}.0.conv1.pointwise.weight", 0, published=published))
    return channels


def _blocks(sizes: Sizes) -> list[str]:
    count = sizes.count("blocks", published=0)
    kinds = ["cross" if f"blocks.{i}.attn.q_proj.weight" in sizes.shapes else "self" for i in range(count)]
    return kinds or list(_PUBLISHED_BLOCKS)


def _network(file: Path, describe: Callable[[Sizes], M]) -> UnloadedNetwork[M]:
    tensors, problems = read_tensors(file)
    with torch.device("meta"):
        module = describe(Sizes(tensors)).eval().requires_grad_(False)
    expected = {key: tensor.shape for key, tensor in module.state_dict().items()}
    return UnloadedNetwork(module, [Checkpoint(file, expected, tensors, problems=problems)])
