"""Weights of OOTDiffusion's published sizes (`hd`) with random numbers in them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Generator
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from bench.sd15 import VAE_CONFIG, WIDTHS
from bench.sizing.real_sizes import image_encoder
from model.demo_pack.tensors import write_json
from model.demo_pack.text_encoder import write_text_encoder
from model.engines.ootdiffusion.checkpoint import INPUT_CHANNELS
from model.engines.ootdiffusion.files import IMAGE_ENCODER, SCHEDULER, TEXT_ENCODER, TOKENIZER, VAE, unet_folder
from model.weights.layout import CONFIG, TRANSFORMERS_TENSOR_FILES
from model.weights.pack import DEMO

_SMALL_UNET = {
    **WIDTHS,
    "block_out_channels": (32, 64, 64, 64),
    "norm_num_groups": 8,
    "cross_attention_dim": 64,
    "attention_head_dim": 4,
}
_SMALL_VAE = {**VAE_CONFIG, "block_out_channels": (16, 32, 32, 32), "norm_num_groups": 8}
_SMALL_CLIP: Any = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}


def write_pack(folder: Path, seed: int, *, small: bool = False) -> None:
    """Write 8.5 GB of float32 under `folder`, in the published layout, or 10 MB; the text encoder is small always.

    The built-in networks will not do: a garment of zeros, which guidance goes away from, is all the same in their
    narrow groups, and normalising makes something of nothing but rounding.
    """
    torch.manual_seed(seed)  # the networks draw their own weights
    unet, vae = (_SMALL_UNET, _SMALL_VAE) if small else (WIDTHS, VAE_CONFIG)
    for name, channels in INPUT_CHANNELS.items():
        UNet2DConditionModel(in_channels=channels, **unet).save_pretrained(unet_folder(folder, "hd", name))
    AutoencoderKL(**vae).save_pretrained(folder / VAE)
    write_text_encoder(folder / TEXT_ENCODER, folder / TOKENIZER, unet["cross_attention_dim"], Generator())
    _write_clip(folder / IMAGE_ENCODER, _small_clip() if small else image_encoder())
    (folder / SCHEDULER).parent.mkdir(parents=True)
    shutil.copyfile(DEMO / SCHEDULER, folder / SCHEDULER)


def _small_clip() -> CLIPVisionModelWithProjection:
    width = _SMALL_UNET["cross_attention_dim"]
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**_SMALL_CLIP, projection_dim=width))


def _write_clip(folder: Path, clip: CLIPVisionModelWithProjection) -> None:
    config: Any = clip.config
    write_json(folder / CONFIG, {"vision_config": config.to_dict(), "projection_dim": config.projection_dim})
    save_file(clip.state_dict(), folder / TRANSFORMERS_TENSOR_FILES[0])
