"""The published networks, built at their sizes without memory. Needs the project, with torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, Dinov2Config, Dinov2Model

from model.diffusion.attention import keep_only_self_attention
from model.engines.ootdiffusion.checkpoint import INPUT_CHANNELS, UNetName
from model.engines.ootdiffusion.prompts import restore_positions
from model.engines.up2you.features import weights as feature_weights
from model.engines.up2you.features.image_features import Features
from model.runtime.offload import weights

_NOWHERE = Path("no weights")  # networks that are described by their checkpoints then have their published sizes


def tryon_unet() -> UNet2DConditionModel:
    """Stable Diffusion 1.5 for inpainting, without cross-attention."""
    unet = UNet2DConditionModel(in_channels=9, cross_attention_dim=768)
    keep_only_self_attention(unet)
    return unet


def outfitting_unet(name: UNetName) -> UNet2DConditionModel:
    """One of OOTDiffusion's: that of Stable Diffusion 1.5, but for what goes in."""
    return UNet2DConditionModel(in_channels=INPUT_CHANNELS[name], cross_attention_dim=768)


def image_encoder() -> CLIPVisionModelWithProjection:
    """CLIP ViT-L/14."""
    widths: Any = {"hidden_size": 1024, "intermediate_size": 4096, "projection_dim": 768}
    layers: Any = {"num_hidden_layers": 24, "num_attention_heads": 16, "patch_size": 14}
    clip = CLIPVisionModelWithProjection(CLIPVisionConfig(**widths, **layers))
    restore_positions(clip)
    return clip


def avatar_unet() -> UNet2DConditionModel:
    """Stable Diffusion 2.1."""
    heads: Any = (5, 10, 20, 20)  # what the argument, called the size of a head, means
    return UNet2DConditionModel(cross_attention_dim=1024, attention_head_dim=heads, use_linear_projection=True)


def autoencoder() -> AutoencoderKL:
    """That of both."""
    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
    )


def features() -> Features:
    """DINOv2 ViT-L/14."""
    config = Dinov2Config(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, image_size=518, patch_size=14)
    return Features(Dinov2Model(config))


def shape_predictor() -> nn.Module:
    """UP2You's."""
    return feature_weights.shape_predictor(_NOWHERE).module


def feature_aggregator() -> nn.Module:
    """UP2You's."""
    return feature_weights.feature_aggregator(_NOWHERE).module


def parameters(module: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(parameter.numel() for parameter in module.parameters())


def weight_bytes(*modules: nn.Module) -> int:
    """Of parameters and buffers, each once."""
    return sum({id(weight): weight.nbytes for module in modules for weight in weights(module)}.values())


def empty(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """A tensor without memory."""
    return torch.empty(shape, dtype=dtype, device="meta")
