"""The published weights: stock networks under the authors' names, loaded strictly."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

from model.diffusion.sigmas import Sigmas
from model.diffusion.unet_forward import unsupported
from model.engines.ootdiffusion.files import (
    IMAGE_ENCODER,
    SCHEDULER,
    TEXT_ENCODER,
    VAE,
    encoder_file,
    unet_folder,
    variants,
)
from model.engines.ootdiffusion.memory import resident_bytes
from model.engines.ootdiffusion.request import Request, Variant
from model.errors import WeightsError
from model.perception.files import label_map_files
from model.perception.label_maps import open_parser
from model.weights.layout import CONFIG, tensor_file
from model.weights.loading import Checkpoint, UnloadedNetwork, build, read_tensors, stock_checkpoint

M = TypeVar("M", bound=nn.Module)
UNetName = Literal["unet_garm", "unet_vton"]

LATENT_CHANNELS, DOWNSAMPLING = 4, 8  # of Stable Diffusion's autoencoder
# What tells the two apart: beside the noise, the one that paints sees the person.
INPUT_CHANNELS: Mapping[UNetName, int] = {"unet_garm": LATENT_CHANNELS, "unet_vton": 2 * LATENT_CHANNELS}
_FIRST = "conv_in.weight"
_TRAINED = (_FIRST, "mid_block.attentions.0.proj_in.weight")  # the variants' trainings cannot have left them equal
_NOT_WEIGHTS = "position_ids"  # checkpoints written before 2023 carry the numbers 0, 1, ... along
_TEXT_PREFIX = "text_model."  # transformers 5 has dropped it


def unet(weights: Path, variant: Variant, name: UNetName) -> UnloadedNetwork[UNet2DConditionModel]:
    """One of a variant's two UNets.

    All four files have one name, and people have mixed them up: a file of the other kind is named as such, and so is
    one that lies in both variants' folders.
    """
    folder = unet_folder(weights, variant, name)
    module = build(UNet2DConditionModel, folder)
    if problems := unsupported(module.config):
        raise WeightsError(f"{folder / CONFIG}: {problems[0]}")
    _refuse_other(folder, name, module.config["in_channels"])
    checkpoint = stock_checkpoint(module, folder)
    if checkpoint.tensors.keys() >= set(_TRAINED):
        checkpoint.problems[:0] = _mixed_up(weights, variant, name, checkpoint)
    return UnloadedNetwork(module, [checkpoint])


def _refuse_other(folder: Path, name: UNetName, channels: int) -> None:
    if channels != (wanted := INPUT_CHANNELS[name]):
        raise WeightsError(f"{folder / CONFIG}: in_channels is {channels}, that of '{name}' is {wanted}")


def _mixed_up(weights: Path, variant: Variant, name: UNetName, checkpoint: Checkpoint) -> list[str]:
    found = checkpoint.tensors[_FIRST]
    others = [other for other, channels in INPUT_CHANNELS.items() if other != name and channels == found.shape[1]]
    problems = [f"this is the file of '{other}', it belongs in the folder of that name" for other in others]
    for another in variants(weights):
        if another != variant and not others:
            tensors, _ = read_tensors(tensor_file(unet_folder(weights, another, name)))
            if all(key in tensors and torch.equal(tensors[key], checkpoint.tensors[key]) for key in _TRAINED):
                problems.append(f"the same file lies in the folders of '{variant}' and '{another}'")
    return problems


def vae(weights: Path) -> UnloadedNetwork[AutoencoderKL]:
    """The autoencoder, that of Stable Diffusion 1.5."""
    folder = weights / VAE
    module = build(AutoencoderKL, folder)
    found = module.config["latent_channels"], 2 ** (len(module.config["block_out_channels"]) - 1)
    if found != (LATENT_CHANNELS, DOWNSAMPLING):
        message = f"latents of {found[0]} channels, {found[1]} times smaller; the UNets want {LATENT_CHANNELS} and"
        raise WeightsError(f"{folder / CONFIG}: {message} {DOWNSAMPLING}")
    return UnloadedNetwork(module, [stock_checkpoint(module, folder)])


def sigmas(weights: Path) -> Sigmas:
    """The noise that sampling visits."""
    return Sigmas.read(weights / SCHEDULER)


def text_encoder(weights: Path) -> UnloadedNetwork[CLIPTextModel]:
    """CLIP's text model, which is needed at the start only."""
    folder = weights / TEXT_ENCODER
    config = _config(folder)
    module = _built(folder, lambda: CLIPTextModel(CLIPTextConfig(**config)))
    shapes = {name: tensor.shape for name, tensor in module.state_dict().items()}
    names = {_TEXT_PREFIX + name.removeprefix(_TEXT_PREFIX): name for name in shapes}
    tensors, problems = _clip_tensors(folder)
    expected = {key: shapes[name] for key, name in names.items()}
    checkpoint = Checkpoint(encoder_file(folder), expected, tensors, names, problems)
    return UnloadedNetwork(module, [checkpoint], on_host=True)


def image_encoder(weights: Path) -> UnloadedNetwork[CLIPVisionModelWithProjection]:
    """The seeing half of a whole CLIP; the other half of its file is not looked at."""
    folder = weights / IMAGE_ENCODER
    config = _config(folder)
    seeing = {**config.get("vision_config", {}), "projection_dim": config.get("projection_dim", 512)}
    module = _built(folder, lambda: CLIPVisionModelWithProjection(CLIPVisionConfig(**seeing)))
    expected = {name: tensor.shape for name, tensor in module.state_dict().items()}
    tensors, problems = _clip_tensors(folder)
    tensors = {key: tensor for key, tensor in tensors.items() if key.startswith(("vision_model.", "visual_"))}
    return UnloadedNetwork(module, [Checkpoint(encoder_file(folder), expected, tensors, problems=problems)])


def _config(folder: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder / CONFIG}: {error}") from error
    return config


def _built(folder: Path, make: Callable[[], M]) -> M:
    try:
        with torch.device("meta"):
            return make().eval().requires_grad_(False)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{folder / CONFIG}: {error}") from error


def _clip_tensors(folder: Path) -> tuple[dict[str, torch.Tensor], list[str]]:
    tensors, problems = read_tensors(encoder_file(folder))
    return {key: tensor for key, tensor in tensors.items() if not key.endswith(_NOT_WEIGHTS)}, problems


def parts(weights: Path) -> list[Callable[[], object]]:
    """What the engine is loaded from, each part on its own."""
    unets: list[Callable[[], object]] = [
        partial(unet, weights, variant, name) for variant in variants(weights) for name in INPUT_CHANNELS
    ]
    labelling = label_map_files(weights).items()
    return [
        *unets,
        *(partial(read, weights) for read in (vae, sigmas, text_encoder, image_encoder)),
        *(partial(open_parser, file, classes) for file, classes in labelling if file.is_file()),
    ]


def job_bytes(weights: Path, dtype: torch.dtype, defaults: Mapping[str, float]) -> int:
    """What a job holds beside the weights, at the pack's own size."""
    request = Request.model_validate({"person": "p", "garment": "g"}, context=defaults)
    module = unet(weights, variants(weights)[0], "unet_vton").module
    return resident_bytes(request, module, dtype)
