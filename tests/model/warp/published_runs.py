"""Recorded runs of CP-VTON+'s own modules on numbers that a rule makes; see the README beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

RUNS = Path(__file__).parents[4] / "shared" / "golden" / "cpvton"
recorded = pytest.mark.skipif(not RUNS.is_dir(), reason="the recorded runs are not beside the checkout")

Gains = Sequence[tuple[str, float]]


def facts(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RUNS / f"{name}.json").read_text())
    return content


def tensors(name: str) -> dict[str, Tensor]:
    return load_file(RUNS / f"{name}.safetensors")


def value(seed: int, name: str, *shape: int) -> Tensor:
    """Numbers in -1..1 that follow from a name."""
    generator = torch.Generator().manual_seed((seed + crc32(name.encode())) % 2**32)
    return 2 * torch.rand(shape, generator=generator) - 1


def up(tensor: Tensor, times: int) -> Tensor:
    return tensor.repeat_interleave(times, 2).repeat_interleave(times, 3)


def weights(seed: int, shapes: Mapping[str, Tensor], gains: Gains, prefix: str = "") -> dict[str, Tensor]:
    """A network's weights by the rule."""
    return {key: _weight(seed, prefix + key, tensor, gains) for key, tensor in shapes.items()}


def _weight(seed: int, key: str, like: Tensor, gains: Gains) -> Tensor:
    kind = key.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return torch.zeros_like(like)
    gain = ([1.0] + [factor for text, factor in gains if text in key])[-1]
    spread, middle = {"bias": (0.2, 0.0), "running_mean": (0.2, 0.0), "running_var": (0.5, 1.0)}.get(kind, (0.3, 1.0))
    if kind == "weight" and like.ndim > 1:
        spread, middle = gain * np.sqrt(3 / np.prod(like.shape[1:])), 0.0
    return value(seed, key, *like.shape) * torch.tensor(spread, dtype=torch.float32) + middle


def made(network: nn.Module, run: dict[str, Any]) -> nn.Module:
    """The network with a run's weights, which are those that were recorded."""
    filled = weights(run["seed"], network.state_dict(), run["gains"])
    digest = hashlib.sha256()
    for key in sorted(filled):
        if not key.endswith("num_batches_tracked"):
            digest.update(key.encode() + filled[key].numpy().astype("<f4").tobytes())
    assert digest.hexdigest() == run["weights"]["sha256"]
    network.load_state_dict(filled)
    return network.eval()


def picture(name: str) -> Image.Image:
    return Image.open(RUNS / "person" / f"{name}.png")


def levels(name: str) -> NDArray[np.uint8]:
    return np.asarray(picture(name))


def joints() -> NDArray[np.float64]:
    """(18, 3), as the person's file has them."""
    (person,) = json.loads((RUNS / "person" / "keypoints.json").read_text())["people"]
    return np.array(person["pose_keypoints"]).reshape(-1, 3)


def relative(found: Tensor, expected: Tensor) -> float:
    """The largest difference as a share of the largest value."""
    return ((found - expected).abs().max() / expected.abs().max()).item()
