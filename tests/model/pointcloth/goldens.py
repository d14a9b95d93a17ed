"""Recorded numbers of the reference, and the rule its weights and inputs were made by."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

_BESIDE = Path(__file__).parents[3].parent / "shared" / "golden" / "pointcloth"
_KEPT = Path(__file__).parents[2] / "data" / "pointcloth"


def folder(name: str) -> Path:
    """Where a set lies: with the tests, or beside the checkout."""
    for place in (_KEPT, _BESIDE):
        if (place / f"{name}.safetensors").is_file():
            return place
    pytest.skip(f"the recorded numbers '{name}' are not here")


@cache
def recorded(name: str) -> dict[str, Tensor]:
    return load_file(folder(name) / f"{name}.safetensors")


@cache
def about(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder(name) / f"{name}.json").read_text())
    return told


def made(seed: int, name: str, *shape: int) -> Tensor:
    """Numbers in -1..1 that a name stands for."""
    generator = torch.Generator().manual_seed((seed + crc32(name.encode())) % 2**32)
    return 2 * torch.rand(shape or 1, generator=generator).view(shape) - 1


def made_weights(module: nn.Module, seed: int, gains: list[tuple[str, float]], prefix: str = "") -> None:
    """Give a module the weights that its tensors' names stand for."""
    for key, tensor in module.state_dict().items():
        if key.endswith(("tensor_mod", "num_batches_tracked")):
            continue
        scale, middle = _spread(key, tensor, gains)
        tensor.copy_(made(seed, prefix + key, *tensor.shape) * scale + middle)


def _spread(key: str, tensor: Tensor, gains: list[tuple[str, float]]) -> tuple[float, float]:
    fixed = {
        "bias": (0.2, 0.0),
        "running_mean": (0.2, 0.0),
        "running_var": (0.5, 1.0),
        "log_R": (2.0, 0.0),
        "shift": (0.3, 0.0),
        "scales": (0.4, 1.0),
        "scale": (0.008, 0.01),
    }
    kind = key.rpartition(".")[2]
    if kind in fixed:
        return fixed[kind]
    if tensor.ndim < 2:
        return 0.3, 1.0
    gain = next((gain for text, gain in reversed(gains) if text in key), 1.0)
    return gain * (3 / tensor[0].numel()) ** 0.5, 0.0


def body_points(numbers: Tensor) -> Tensor:
    """Made numbers, (B, 3, N), as points of something like a body, (B, N, 3)."""
    return numbers.mT * torch.tensor([0.45, 0.8, 0.25]) + torch.tensor([0, -0.2, 0.05])


def distance(found: Tensor, expected: Tensor) -> float:
    """The largest difference relative to the largest value."""
    assert found.shape == expected.shape
    return float((found.detach() - expected).abs().max() / expected.abs().max())
