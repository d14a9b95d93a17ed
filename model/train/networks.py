"""The networks a training starts from: those of a MODEL_DIR, or new ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from model.catvton import checkpoint
from model.catvton.files import FOLDERS, UNET, VAE
from model.catvton.request import Variant
from model.diffusion.attention import keep_only_self_attention
from model.errors import WeightsError
from model.train.errors import SettingsError
from model.weights.layout import CONFIG

_CPU = torch.device("cpu")


def autoencoder_variant(weights: Path, variant: Variant) -> Variant:
    """Whose autoencoder to use: the variant's own, else the other's; both were published with the same.

    Raises:
        WeightsError: there is none.
    """
    for candidate in sorted(FOLDERS, key=lambda other: other != variant):
        if (weights / FOLDERS[candidate] / VAE / CONFIG).is_file():
            return candidate
    raise WeightsError(f"{weights}: no autoencoder ({FOLDERS[variant]}/{VAE}/{CONFIG})")


def load_autoencoder(weights: Path, variant: Variant) -> AutoencoderKL:
    """The autoencoder of a MODEL_DIR, float32 on the host, not to be trained."""
    return checkpoint.vae(weights, autoencoder_variant(weights, variant)).load(_CPU, torch.float32)


def unet_variant(weights: Path, variant: Variant) -> Variant:
    """Whose UNet to start from: the variant's own; a mask-free one may start from one that had masks."""
    own = (weights / FOLDERS[variant] / UNET / CONFIG).is_file()
    return "mask" if variant == "maskfree" and not own else variant


def load_unet(weights: Path, variant: Variant) -> UNet2DConditionModel:
    """The UNet to start from without cross-attention, float32 on the host, not to be trained; see `unet_variant`."""
    source = unet_variant(weights, variant)
    unet = checkpoint.unet(weights, source).load(_CPU, torch.float32)
    return unet if source == variant else without_mask_channel(unet)


def without_mask_channel(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The same, but that it is not shown the mask between noise and condition."""
    latent_channels = unet.config.out_channels
    seen = [i for i in range(unet.config.in_channels) if i != latent_channels]
    masked = unet.conv_in
    unet.conv_in = nn.Conv2d(len(seen), masked.out_channels, masked.kernel_size, padding=masked.padding)
    unet.conv_in.weight = nn.Parameter(masked.weight.detach()[:, seen].clone(), requires_grad=False)
    unet.conv_in.bias = masked.bias
    unet.register_to_config(in_channels=len(seen))
    return unet


def new_unet(config: dict[str, Any], variant: Variant, latent_channels: int) -> UNet2DConditionModel:
    """A UNet with random weights and without cross-attention. The channels at its ends need not be given.

    Raises:
        SettingsError: diffusers cannot build it, or it does not fit the latents.
    """
    expected = {
        "in_channels": checkpoint.input_channels(variant, latent_channels),
        "out_channels": latent_channels,
    }
    try:
        unet = UNet2DConditionModel.from_config(expected | config)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"unet: {error}") from error
    for key, wanted in expected.items():
        if (found := unet.config[key]) != wanted:
            raise SettingsError(f"unet: {key} is {found}, the variant '{variant}' on these latents has {wanted}")
    keep_only_self_attention(unet)
    return unet  # type: ignore[no-any-return]


def config_of(network: nn.Module) -> dict[str, Any]:
    """A diffusers network's config as its file has it."""
    config: dict[str, Any] = json.loads(network.to_json_string())  # type: ignore[operator]
    return {key: value for key, value in config.items() if key != "_name_or_path"}


def choose_trainable(unet: nn.Module, trainable: str) -> None:
    """Gradients for self-attention only, or for all."""
    for name, parameter in unet.named_parameters():
        parameter.requires_grad_(trainable == "all" or ".attn1." in name)
