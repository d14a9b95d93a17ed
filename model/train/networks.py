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
from model.catvton.files import FOLDERS, VAE
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


def load_unet(weights: Path, variant: Variant) -> UNet2DConditionModel:
    """The UNet of a MODEL_DIR without cross-attention, float32 on the host, not to be trained."""
    return checkpoint.unet(weights, variant).load(_CPU, torch.float32)


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
