"""Random weights from a fixed seed, and how the demo pack writes them: half precision, published names of files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Generator, Tensor, nn

from model.weights.layout import CONFIG, TENSOR_FILES

# Colours shall spread over [-1, 1] and seldom beyond.
_GAINS = {"decoder.conv_out": 0.6}

Config = dict[str, Any]  # of a network, as its `config.json` has it

VAE_CONFIG: Config = {  # the published form, as narrow as its norms' groups allow
    "_class_name": "AutoencoderKL",
    "block_out_channels": [8, 16, 16, 24],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "latent_channels": 4,
    "scaling_factor": 0.18215,
}


def random_tensors(network: nn.Module, generator: Generator) -> dict[str, Tensor]:
    """Weights of a convolutional network: all 3x3 kernels are smooth, and so is what it paints."""
    return random_of({name: tensor.shape for name, tensor in network.state_dict().items()}, generator)


def random_of(shapes: Mapping[str, torch.Size], generator: Generator) -> dict[str, Tensor]:
    """The same for a network of which only the names and shapes are at hand."""
    return {name: _random_tensor(name, shape, generator) for name, shape in sorted(shapes.items())}


def _random_tensor(name: str, shape: torch.Size, generator: Generator) -> Tensor:
    layer, _, parameter = name.rpartition(".")
    if "norm" in layer.rpartition(".")[2]:
        return torch.ones(shape) if parameter == "weight" else torch.zeros(shape)
    if parameter == "bias":
        return 0.1 * torch.randn(shape, generator=generator)
    weight = torch.randn(shape[:2], generator=generator) * _GAINS.get(layer, 1.0) / math.sqrt(shape[1])
    return weight if len(shape) == 2 else weight[:, :, None, None] * _binomial(shape[2])


def _binomial(size: int) -> Tensor:
    """A (size, size) kernel that averages, size 1 or 3."""
    row = torch.tensor([1.0]) if size == 1 else torch.tensor([0.25, 0.5, 0.25])
    return torch.outer(row, row)


def seeded(
    network: nn.Module, generator: Generator, spelled: Callable[[str], str] = lambda name: name
) -> dict[str, Tensor]:
    """Weights of any other: norms and layers' gains are 1, everything else normal and about as loud as its input.

    Args:
        spelled: from the network's names to those of the file, which decide who gets which numbers.
    """
    tensors = {spelled(name): tensor for name, tensor in network.state_dict().items()}
    for name, shape in sorted((spelled(name), parameter.shape) for name, parameter in network.named_parameters()):
        noise = torch.randn(shape, generator=generator)
        if len(shape) > 1:
            tensors[name] = noise / math.sqrt(noise[0].numel())
        else:
            tensors[name] = 0.1 * noise if name.endswith("bias") else torch.ones_like(noise)
    return tensors


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """In half precision; counters stay whole numbers."""
    return {
        key: (tensor.half() if tensor.is_floating_point() else tensor).contiguous() for key, tensor in tensors.items()
    }


def write_network(folder: Path, config: Mapping[str, object], tensors: dict[str, Tensor]) -> None:
    """A stock diffusers network."""
    write_json(folder / CONFIG, config)
    write_tensors(folder / TENSOR_FILES[1], tensors)


def write_tensors(file: Path, tensors: dict[str, Tensor]) -> None:
    """A safetensors file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(save(halved(tensors)))


def write_json(file: Path, content: Mapping[str, object]) -> None:
    """An indented JSON file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
