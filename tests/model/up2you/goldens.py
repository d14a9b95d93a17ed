"""What the published code computes, in float32 on the CPU. Not everybody has these files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

SHARED = Path(__file__).parents[3].parent / "shared"
FOLDER = SHARED / "golden/up2you"
KEYS = SHARED / "facts/up2you_checkpoint_keys.json"


def golden(name: str) -> dict[str, Tensor]:
    """A file's tensors; the test is skipped without it."""
    file = FOLDER / f"{name}.safetensors"
    if not file.is_file():
        pytest.skip("the reference data is not here")
    return load_file(file)


def golden_json(name: str) -> dict[str, Any]:
    """The parameters beside a file."""
    parameters: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_bytes())
    return parameters


def state_dict(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights among the tensors, by their published keys."""
    weights = {key[2:]: tensor for key, tensor in tensors.items() if key.startswith("w.")}
    return {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in weights.items()}


def published_shapes(name: str) -> dict[str, torch.Size]:
    """A published checkpoint's keys and shapes, in its order."""
    if not KEYS.is_file():
        pytest.skip("the published key lists are not here")
    return {key: torch.Size(shape) for key, shape, _ in json.loads(KEYS.read_bytes())[name]["tensors"]}


def largest_difference(one: Tensor, other: Tensor) -> float:
    """Over all numbers of two tensors of one shape."""
    assert one.shape == other.shape
    return (one - other).detach().abs().max().item()
