"""The built-in demo pack: CatVTON's architecture at a hundredth of its width, with random weights from a fixed seed.

It cannot dress anybody. Where it paints, the person wears an abstract print; everything around the networks works as
it does with published weights. All 3x3 kernels are smooth, so that the print is too.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save
from torch import Generator, Tensor, nn

from model.catvton.checkpoint import LATENT_CHANNELS, attention_names
from model.catvton.files import FOLDERS, SCHEDULER, UNET, VAE, attention_file, files
from model.weights.layout import CONFIG, TENSOR_FILES
from model.weights.pack import MANIFEST

SEED = 6
LICENCE = "MIT (untrained demo networks)"
DEFAULTS = {"tryon": {"width": 192, "height": 256, "steps": 20}}

_UNET_CONFIG: dict[str, Any] = {
    "_class_name": "UNet2DConditionModel",
    "in_channels": 9,
    "out_channels": 4,
    "block_out_channels": [16, 32, 32, 32],
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "layers_per_block": 2,
    "norm_num_groups": 8,
    "cross_attention_dim": 8,
    "attention_head_dim": 1,  # the number of heads, as in SD 1.5
}
_VAE_CONFIG: dict[str, Any] = {
    "_class_name": "AutoencoderKL",
    "block_out_channels": [8, 16, 16, 24],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "latent_channels": 4,
    "scaling_factor": 0.18215,
}
_SCHEDULER_CONFIG: dict[str, Any] = {
    "_class_name": "DDIMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "clip_sample": False,
}
# Colours shall spread over [-1, 1] and seldom beyond.
_GAINS = {"decoder.conv_out": 0.6}
# Person and garment are faint beside the noise; amplified, they show through in the print.
_CONDITION_GAIN = 8


def write_demo_pack(folder: Path) -> None:
    """Write the pack's files under `folder`."""
    generator = Generator().manual_seed(SEED)
    unet, vae = UNet2DConditionModel.from_config(_UNET_CONFIG), AutoencoderKL.from_config(_VAE_CONFIG)
    base = _random_tensors(unet, generator)
    base["conv_in.weight"][:, -LATENT_CHANNELS:] *= _CONDITION_GAIN
    catvton = folder / FOLDERS["mask"]
    _write_network(catvton / UNET, _UNET_CONFIG, base)
    _write_network(catvton / VAE, _VAE_CONFIG, _random_tensors(vae, generator))
    _write_json(catvton / SCHEDULER, _SCHEDULER_CONFIG)
    other = _random_tensors(unet, generator)
    attention = {key: other[name] for key, name in attention_names(unet).items()}
    _write_tensors(attention_file(folder), attention)
    _write_manifest(folder)


def _random_tensors(network: nn.Module, generator: Generator) -> dict[str, Tensor]:
    shapes = sorted((name, tensor.shape) for name, tensor in network.state_dict().items())
    return {name: _random_tensor(name, shape, generator) for name, shape in shapes}


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


def _write_network(folder: Path, config: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    _write_json(folder / CONFIG, config)
    _write_tensors(folder / TENSOR_FILES[1], tensors)


def _write_tensors(file: Path, tensors: dict[str, Tensor]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(save({key: tensor.half().contiguous() for key, tensor in tensors.items()}))


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n")


def _write_manifest(folder: Path) -> None:
    facts = {
        file.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "licence": LICENCE,
            "source": "python -m model demo-pack",
        }
        for file in files(folder)
    }
    _write_json(folder / MANIFEST, {"files": facts, "defaults": DEFAULTS})
