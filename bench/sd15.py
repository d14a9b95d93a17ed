"""Weights of the published try-on's sizes (Stable Diffusion 1.5, inpainting) with random numbers in them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Generator, Tensor

from model.demo_pack.tensors import write_json
from model.engines.catvton.checkpoint import attention_names
from model.engines.catvton.files import FOLDERS, SCHEDULER, UNET, VAE, attention_file
from model.train.scheduler import scheduler_config

WIDTHS: dict[str, Any] = {
    "out_channels": 4,
    "sample_size": 64,
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": (*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *["CrossAttnUpBlock2D"] * 3),
    "layers_per_block": 2,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,  # the number of heads
}
_UNET = {"in_channels": 9, **WIDTHS}
VAE_CONFIG: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "scaling_factor": 0.18215,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.sd15", description=__doc__)
    parser.add_argument("--model-dir", type=Path, required=True, help="where to write them")
    write_pack(parser.parse_args().model_dir, seed=0)


def write_pack(folder: Path, seed: int) -> None:
    """Write 4 GB of float32 under `folder`, in the published layout."""
    torch.manual_seed(seed)  # the networks draw their own weights
    unet = UNet2DConditionModel(**_UNET)
    unet.save_pretrained(folder / FOLDERS["mask"] / UNET)
    AutoencoderKL(**VAE_CONFIG).save_pretrained(folder / FOLDERS["mask"] / VAE)
    write_json(folder / FOLDERS["mask"] / SCHEDULER, scheduler_config("epsilon"))
    attention_file(folder).parent.mkdir(parents=True)
    save_file(attention_tensors(unet, Generator().manual_seed(seed)), attention_file(folder))


def write_configs(folder: Path) -> None:
    """Write what the networks are, without weights."""
    with torch.device("meta"):
        UNet2DConditionModel(**_UNET).save_config(folder / FOLDERS["mask"] / UNET)
        AutoencoderKL(**VAE_CONFIG).save_config(folder / FOLDERS["mask"] / VAE)


def attention_tensors(unet: UNet2DConditionModel, generator: Generator) -> dict[str, Tensor]:
    """The 80 tensors that replace the self-attention, by their published keys."""
    shapes = {name: tensor.shape for name, tensor in unet.state_dict().items()}
    return {
        key: torch.randn(shapes[name], generator=generator) / shapes[name][-1] ** 0.5
        for key, name in attention_names(unet).items()
    }


if __name__ == "__main__":
    main()
