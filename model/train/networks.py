"""The networks a training starts from: those of a MODEL_DIR, or new ones."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from model.diffusion.attention import keep_only_self_attention
from model.diffusion.schedule import NoiseSchedule, PredictionType
from model.engines.catvton import checkpoint
from model.engines.catvton.files import FOLDERS, SCHEDULER, UNET, VAE
from model.engines.catvton.request import Variant
from model.errors import WeightsError
from model.train.errors import SettingsError
from model.train.scheduler import new_schedule, scheduler_config
from model.weights.layout import CONFIG

_CPU = torch.device("cpu")
_AUTOCAST = {"fp16": torch.float16, "bf16": torch.bfloat16}


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


@dataclass(frozen=True)
class Start:
    """A UNet without cross-attention, float32 on the host, and the noise it knows, also as its file has it.

    source: the MODEL_DIR it comes from; None for a new one.
    variant: what it was trained as.
    """

    unet: UNet2DConditionModel
    schedule: NoiseSchedule
    scheduler_config: dict[str, object]
    source: Path | None
    variant: Variant


def load_unet(weights: Path, variant: Variant) -> Start:
    """That of a MODEL_DIR. A mask-free one can start from the mask-based: it loses the input its mask came in by.

    Raises:
        WeightsError: there is none, or it is not whole.
    """
    published = variant
    if not (weights / FOLDERS[variant] / UNET / CONFIG).is_file() and variant == "maskfree":
        published = "mask"
    unet = checkpoint.unet(weights, published).load(_CPU, torch.float32)
    if published != variant:
        drop_mask_input(unet)
    config = json.loads((weights / FOLDERS[published] / SCHEDULER).read_bytes())
    return Start(unet, checkpoint.noise_schedule(weights, published), config, weights, published)


def drop_mask_input(unet: UNet2DConditionModel) -> None:
    """Let a mask-based UNet see noise and condition only, as if its mask were empty everywhere."""
    channels: int = unet.config.out_channels
    weight = unet.conv_in.weight.detach()  # (widest, C + 1 + C, 3, 3)
    unet.conv_in.weight = nn.Parameter(torch.cat([weight[:, :channels], weight[:, channels + 1 :]], dim=1))
    unet.conv_in.in_channels = 2 * channels
    unet.register_to_config(in_channels=2 * channels)


def new_unet(
    config: dict[str, object], variant: Variant, latent_channels: int, prediction_type: PredictionType
) -> Start:
    """One with random weights and the published schedule. The channels at its ends need not be given.

    Raises:
        SettingsError: diffusers cannot build it, or it does not fit the latents.
    """
    expected = {
        "in_channels": checkpoint.input_channels(variant, latent_channels),
        "out_channels": latent_channels,
    }
    for key, wanted in expected.items():
        if (found := config.get(key, wanted)) != wanted:
            raise SettingsError(f"unet: {key} is {found}, the variant '{variant}' on these latents has {wanted}")
    try:
        unet = UNet2DConditionModel.from_config(expected | config)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"unet: {error}") from error
    keep_only_self_attention(unet)
    return Start(unet, new_schedule(prediction_type), scheduler_config(prediction_type), None, variant)


def config_of(network: nn.Module) -> dict[str, object]:
    """A diffusers network's config as its file has it."""
    config: dict[str, object] = json.loads(network.to_json_string())  # type: ignore[operator]
    return {key: value for key, value in config.items() if key != "_name_or_path"}


def choose_trainable(unet: nn.Module, trainable: str) -> None:
    """Gradients for self-attention only, or for all."""
    for name, parameter in unet.named_parameters():
        parameter.requires_grad_(trainable == "all" or ".attn1." in name)


def autocast(device: torch.device, mixed_precision: str) -> AbstractContextManager[object]:
    """Inside, networks that are not trained compute in the setting's precision; accelerate sees to those that are."""
    if mixed_precision not in _AUTOCAST:
        return nullcontext()
    return torch.autocast(device.type, _AUTOCAST[mixed_precision])
