"""The avatar engine's part of the demo pack: every network of UP2You in its published layout, tiny and untrained.

With random weights colours and clothes of an avatar mean nothing; every stage runs on real files nevertheless. The
shape predictor is kept quiet, so that the body beneath stays human.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers.models.adapter import T2IAdapter
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Size, Tensor, nn
from transformers import Dinov2Config, Dinov2Model

from model.demo_pack.tensors import (
    VAE_CONFIG,
    Config,
    halved,
    random_of,
    random_tensors,
    seeded,
    write_json,
    write_network,
    write_tensors,
)
from model.demo_pack.text_encoder import write_text_encoder
from model.engines.up2you.features.aggregator import FeatureAggregator
from model.engines.up2you.features.dino_weights import modern
from model.engines.up2you.features.shape_predictor import ShapePredictor
from model.engines.up2you.files import (
    BODY,
    DINO,
    FEATURE_AGGREGATOR,
    FOLDER,
    NORMAL_ADAPTER,
    RGB_ADAPTER,
    SCHEDULER,
    SHAPE_PREDICTOR,
    TEXT_ENCODER,
    TOKENIZER,
    UNET,
    VAE,
)
from model.weights.layout import CONFIG, TRANSFORMERS_TENSOR_FILES

# Every layer is there, as narrow as heads and groups of norms allow: files are small, and a step takes no time.
_TEXT_DIM = 16
_PHOTO_DIM = 32
_LEVELS = [8, 16, 24, 24]
_QUIET = 0.15  # gain of the shape predictor's last layer

_UNET_CONFIG: dict[str, object] = {
    "_class_name": "UNet2DConditionModel",
    "in_channels": 4,
    "out_channels": 4,
    "sample_size": 32,
    "block_out_channels": _LEVELS,
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "layers_per_block": 2,
    "norm_num_groups": 8,
    "cross_attention_dim": _TEXT_DIM,
    "attention_head_dim": [1, 2, 3, 3],  # the number of heads, as in SD 2.1
    "use_linear_projection": True,
}
_SCHEDULER_CONFIG: dict[str, object] = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "clip_sample": False,
}
_DINO_CONFIG: Config = {
    "model_type": "dinov2",
    "hidden_size": _PHOTO_DIM,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "mlp_ratio": 2,
    "image_size": 224,
    "patch_size": 14,
}


def write_avatar_networks(folder: Path, generator: Generator) -> list[Path]:
    """Write the networks under `folder`, a pack's; returns the files."""
    unet = UNet2DConditionModel.from_config(_UNET_CONFIG)
    write_network(folder / UNET, _UNET_CONFIG, random_tensors(unet, generator))
    vae = AutoencoderKL.from_config(VAE_CONFIG)
    write_network(folder / VAE, VAE_CONFIG, random_tensors(vae, generator))
    write_json(folder / SCHEDULER, _SCHEDULER_CONFIG)
    for name in (RGB_ADAPTER, NORMAL_ADAPTER):
        write_tensors(folder / name, random_of(_adapter_shapes(unet), generator))
    write_text_encoder(folder / TEXT_ENCODER, folder / TOKENIZER, _TEXT_DIM, generator)
    _write_dino(folder / DINO, generator)
    shape = ShapePredictor(_PHOTO_DIM, blocks=2, trunk=1, hidden=64, branch=32, shapes=10)
    tensors = seeded(shape, generator)
    for name in ("shape_branch.fc2.weight", "shape_branch.fc2.bias", "empty_shape_tokens"):
        tensors[f"shape_head.{name}"] *= _QUIET
    _save(folder / SHAPE_PREDICTOR, tensors)
    blocks = ("self", "self", "cross", "cross")
    _save(folder / FEATURE_AGGREGATOR, seeded(FeatureAggregator((8, 8, 16, 16, 32), _PHOTO_DIM, blocks, 64), generator))
    return [file for file in sorted((folder / FOLDER).rglob("*")) if file.is_file() and file != folder / BODY]


def _adapter_shapes(unet: nn.Module) -> dict[str, Size]:
    """Two more branches at every self-attention, and the encoder of pose images: the keys of a published adapter."""
    shapes: dict[str, Size] = {}
    for name, tensor in unet.state_dict().items():
        layer, found, parameter = name.partition(".attn1.to_")
        if not found:
            continue
        projection, _, rest = parameter.partition(".")
        for branch in ("mv", "ref"):
            shapes[f"{layer}.attn1.processor.to_{projection}_{branch}.{rest}"] = tensor.shape
    encoder = T2IAdapter(in_channels=3, channels=_LEVELS, adapter_type="full_adapter").state_dict()
    return shapes | {name: tensor.shape for name, tensor in encoder.items()}


def _write_dino(folder: Path, generator: Generator) -> None:
    dino = seeded(Dinov2Model(Dinov2Config(**_DINO_CONFIG)), generator, modern)
    write_json(folder / CONFIG, _DINO_CONFIG)
    write_tensors(folder / TRANSFORMERS_TENSOR_FILES[0], dino)


def _save(file: Path, tensors: dict[str, Tensor]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(halved(tensors), file)
