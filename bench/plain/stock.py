"""Stock networks with published weights in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor, nn

from model.weights.layout import tensor_file


def without_memory(kind: Any, folder: Path) -> Any:
    """A diffusers model of class `kind`, as its config has it."""
    with torch.device("meta"):
        return kind.from_config(kind.load_config(folder, local_files_only=True)).eval().requires_grad_(False)


def fill(network: nn.Module, tensors: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> None:
    """Give it these tensors. What they lack stays without memory, and cannot be used."""
    there = {name: tensor.to(device, dtype) for name, tensor in tensors.items()}
    network.load_state_dict(there, strict=False, assign=True)


def autoencoder(folder: Path, device: torch.device, dtype: torch.dtype) -> Any:
    """The stock autoencoder."""
    network = without_memory(AutoencoderKL, folder)
    fill(network, load_file(tensor_file(folder)), device, dtype)
    return network


def tryon_unet(folder: Path, attention: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> Any:
    """The UNet of CatVTON: other weights in its self-attention, and no cross-attention.

    Args:
        attention: as published; self-attention i, in the module's own order, has the keys that begin with "8i.".
    """
    unet = without_memory(UNet2DConditionModel, folder)
    fill(unet, load_file(tensor_file(folder)) | by_name(attention, unet), device, dtype)
    skip_cross_attention(unet)
    return unet


def by_name(attention: Mapping[str, Tensor], unet: nn.Module) -> dict[str, Tensor]:
    """The published attention under the UNet's names."""
    attentions = [name for name, _ in unet.named_modules() if name.endswith(".attn1")]
    named = {}
    for key, tensor in attention.items():
        position, _, parameter = key.partition(".")
        named[f"{attentions[int(position) // 8]}.{parameter}"] = tensor
    return named


def skip_cross_attention(unet: Any) -> None:
    """Stock processors: torch's own attention where there is self-attention, and nothing where there was text."""
    unet.set_attn_processor(
        {name: AttnProcessor2_0() if ".attn1." in name else ReturnInput() for name in unet.attn_processors}
    )


class ReturnInput:
    """A processor for diffusers' `Attention` that does not attend."""

    def __call__(
        self, attn: nn.Module, hidden_states: Tensor, encoder_hidden_states: Any = None, attention_mask: Any = None
    ) -> Tensor:
        return hidden_states
