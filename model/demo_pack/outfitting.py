"""OOTDiffusion's part of the demo pack: all its networks in the published layout, tiny and untrained.

What it paints means nothing; requests, masks, pasting back and batching run on real files nevertheless.
"""

from __future__ import annotations

from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from model.demo_pack.tensors import VAE_CONFIG, Config, random_tensors, seeded, write_json, write_network, write_tensors
from model.demo_pack.text_encoder import write_text_encoder
from model.engines.ootdiffusion.checkpoint import INPUT_CHANNELS
from model.engines.ootdiffusion.files import (
    FOLDER,
    IMAGE_ENCODER,
    SCHEDULER,
    TEXT_ENCODER,
    TOKENIZER,
    VAE,
    VARIANTS,
    unet_folder,
)
from model.weights.layout import CONFIG, TRANSFORMERS_TENSOR_FILES

_TEXT_DIM = 16  # as narrow as the heads allow, like all widths here
_UNET_CONFIG: Config = {
    "_class_name": "UNet2DConditionModel",
    "out_channels": 4,
    "sample_size": 64,
    "block_out_channels": [8, 16, 16, 16],
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "layers_per_block": 2,
    "norm_num_groups": 8,
    "cross_attention_dim": _TEXT_DIM,
    "attention_head_dim": 2,  # the number of heads, as in SD 1.5
}
# As the published file has it, as far as it is looked at.
_SCHEDULER_CONFIG: dict[str, object] = {
    "_class_name": "DPMSolverMultistepScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "solver_order": 2,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "use_karras_sigmas": True,
}
_VISION: Config = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 224,
    "patch_size": 32,
    "hidden_act": "quick_gelu",
}


def write_outfitting_networks(folder: Path, generator: Generator) -> list[Path]:
    """Write the networks under `folder`, a pack's; returns the files."""
    for variant in VARIANTS:
        for name, channels in INPUT_CHANNELS.items():
            config = {**_UNET_CONFIG, "in_channels": channels}
            tensors = random_tensors(UNet2DConditionModel.from_config(config), generator)
            write_network(unet_folder(folder, variant, name), config, tensors)
    write_network(folder / VAE, VAE_CONFIG, random_tensors(AutoencoderKL.from_config(VAE_CONFIG), generator))
    write_json(folder / SCHEDULER, _SCHEDULER_CONFIG)
    write_text_encoder(folder / TEXT_ENCODER, folder / TOKENIZER, _TEXT_DIM, generator)
    clip = CLIPVisionModelWithProjection(CLIPVisionConfig(**_VISION, projection_dim=_TEXT_DIM))
    write_json(folder / IMAGE_ENCODER / CONFIG, {"vision_config": _VISION, "projection_dim": _TEXT_DIM})
    write_tensors(folder / IMAGE_ENCODER / TRANSFORMERS_TENSOR_FILES[0], seeded(clip, generator))
    return [file for file in sorted((folder / FOLDER).rglob("*")) if file.is_file()]
