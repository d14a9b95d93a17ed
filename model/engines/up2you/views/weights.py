"""The weights of the two diffusion stages: one stock base, two adapters over it."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from model.diffusion.schedule import NoiseSchedule
from model.diffusion.unet_forward import SUPPORTED_CONFIG
from model.engines.up2you.files import NORMAL_ADAPTER, RGB_ADAPTER, SCHEDULER, UNET, VAE
from model.engines.up2you.views.adapters import Adapter, ViewStage, adapter_names, adapter_of
from model.errors import WeightsError
from model.weights.loading import Checkpoint, UnloadedNetwork, build, read_tensors, stock_checkpoint

ADAPTERS: dict[ViewStage, str] = {"rgb": RGB_ADAPTER, "normals": NORMAL_ADAPTER}
NOISE_SHIFT = 8.0  # of the schedule's signal-to-noise ratios, as published

# What the forward of the UNet and those of its transformers are written for.
_ONLY_SUPPORTED: dict[str, object] = {
    **SUPPORTED_CONFIG,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
    "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
    "transformer_layers_per_block": 1,
    "use_linear_projection": True,
}


def unet(weights: Path) -> UnloadedNetwork[UNet2DConditionModel]:
    """The base UNet, as published."""
    folder = weights / UNET
    module = build(UNet2DConditionModel, folder)
    for key, supported in _ONLY_SUPPORTED.items():
        value = module.config[key]
        if (list(value) if isinstance(value, tuple) else value) != supported:
            raise WeightsError(f"{folder}: {key} is {value!r}, only {supported!r} is supported")
    return UnloadedNetwork(module, [stock_checkpoint(module, folder)])


def adapter(weights: Path, stage: ViewStage, unet: nn.Module) -> UnloadedNetwork[Adapter]:
    """The adapter of a stage, for the UNet of the same weights (which may still be without memory)."""
    with torch.device("meta"):
        module = adapter_of(unet).eval().requires_grad_(False)
    names = adapter_names(unet, module)
    shapes = {name: tensor.shape for name, tensor in module.state_dict().items()}
    file = weights / ADAPTERS[stage]
    tensors, problems = read_tensors(file)
    expected = {key: shapes[name] for key, name in names.items()}
    return UnloadedNetwork(module, [Checkpoint(file, expected, tensors, names, problems)])


def vae(weights: Path) -> UnloadedNetwork[AutoencoderKL]:
    """The autoencoder."""
    module = build(AutoencoderKL, weights / VAE)
    return UnloadedNetwork(module, [stock_checkpoint(module, weights / VAE)])


def noise_schedule(weights: Path) -> NoiseSchedule:
    """The noise both adapters were trained with."""
    return NoiseSchedule.read(weights / SCHEDULER).shifted(NOISE_SHIFT)
