"""CatVTON's published weights: a stock inpainting UNet and autoencoder, and 80 tensors that replace its attention.

The attention file was written from a list of the UNet's modules, so its keys are positions in that list. Attention i
takes eight of them: itself, to_q, to_k, to_v, to_out, to_out.0, to_out.1 (dropout) and its processor. The same tensor
can therefore be spelt "8.to_q.weight" or "9.weight"; which spelling a file has depends on what wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from model.diffusion.attention import keep_only_self_attention
from model.diffusion.schedule import NoiseSchedule
from model.engines.catvton.files import FOLDERS, SCHEDULER, UNET, VAE, attention_file, variants
from model.engines.catvton.memory import PUBLISHED, Latents, resident_bytes
from model.engines.catvton.request import Request, Variant
from model.errors import WeightsError
from model.perception.files import label_map_files
from model.perception.label_maps import open_parser
from model.weights.layout import CONFIG
from model.weights.loading import Checkpoint, UnloadedNetwork, build, read_tensors, stock_checkpoint

_MOST_DOWNSAMPLING = 8  # requests are multiples of it

_PARAMETERS = ("to_q.weight", "to_k.weight", "to_v.weight", "to_out.0.weight", "to_out.0.bias")
_ENTRIES_PER_ATTENTION = 8  # those named above
# parameter -> its other spellings, as (entry within the attention, name within the entry)
_ALIASES = {
    "to_q.weight": [(1, "weight")],
    "to_k.weight": [(2, "weight")],
    "to_v.weight": [(3, "weight")],
    "to_out.0.weight": [(4, "0.weight"), (5, "weight")],
    "to_out.0.bias": [(4, "0.bias"), (5, "bias")],
}
# The UNet registers its middle after its upper half, and so did the published list.
_BLOCK_ORDER = ("down_blocks", "up_blocks", "mid_block")


def input_channels(variant: Variant, latent_channels: int) -> int:
    """What the UNet sees: noise, the mask if there is one, and the condition."""
    return 2 * latent_channels + (variant == "mask")


def latents(weights: Path, variant: Variant = "mask") -> Latents:
    """What the autoencoder's latents are like.

    Raises:
        WeightsError: its config cannot be read, or it shrinks pictures more than requests allow for.
    """
    file = weights / FOLDERS[variant] / VAE / CONFIG
    try:
        config = json.loads(file.read_bytes())
        found = Latents(config.get("latent_channels", PUBLISHED.channels), 2 ** (len(config["block_out_channels"]) - 1))
    except (OSError, TypeError, ValueError) as error:
        raise WeightsError(f"{file}: {error}") from error
    except KeyError as error:
        raise WeightsError(f"{file}: missing key {error}") from error
    if found.downsampling > _MOST_DOWNSAMPLING:
        raise WeightsError(f"{file}: it shrinks pictures {found.downsampling} times, at most {_MOST_DOWNSAMPLING} fit")
    return found


def unet(weights: Path, variant: Variant = "mask") -> UnloadedNetwork[UNet2DConditionModel]:
    """The base UNet with the published attention over its own and without cross-attention."""
    folder = weights / FOLDERS[variant] / UNET
    module = build(UNet2DConditionModel, folder)
    channels = latents(weights, variant).channels
    expected = {"in_channels": input_channels(variant, channels), "out_channels": channels}
    for key, wanted in expected.items():
        if (found := module.config[key]) != wanted:
            raise WeightsError(f"{folder}: {key} is {found}, that of the variant '{variant}' has {wanted}")
    base = _base_checkpoint(module, folder)
    keep_only_self_attention(module)
    return UnloadedNetwork(module, [base, attention_checkpoint(module, attention_file(weights, variant))])


def _base_checkpoint(module: UNet2DConditionModel, folder: Path) -> Checkpoint:
    """The base as published, or without any of the attention that is replaced, as a trained one is written."""
    base = stock_checkpoint(module, folder)
    replaced = {key for key in base.expected if ".attn1." in key or ".attn2." in key}
    if not base.tensors or replaced & base.tensors.keys():
        return base
    expected = {key: shape for key, shape in base.expected.items() if key not in replaced}
    return Checkpoint(base.file, expected, base.tensors)


def vae(weights: Path, variant: Variant = "mask") -> UnloadedNetwork[AutoencoderKL]:
    """The autoencoder."""
    folder = weights / FOLDERS[variant] / VAE
    latents(weights, variant)
    module = build(AutoencoderKL, folder)
    return UnloadedNetwork(module, [stock_checkpoint(module, folder)])


def noise_schedule(weights: Path, variant: Variant = "mask") -> NoiseSchedule:
    """The noise the base UNet was trained with."""
    return NoiseSchedule.read(weights / FOLDERS[variant] / SCHEDULER, ("epsilon", "v_prediction"))


def parts(weights: Path) -> list[Callable[[], object]]:
    """What the engine is loaded from, each part on its own."""
    networks: list[Callable[[], object]] = [
        partial(read, weights, variant) for variant in variants(weights) for read in (unet, vae, noise_schedule)
    ]
    labelling = label_map_files(weights).items()
    return networks + [partial(open_parser, file, classes) for file, classes in labelling if file.is_file()]


def job_bytes(weights: Path, dtype: torch.dtype, defaults: Mapping[str, float]) -> int:
    """What a job holds beside the weights, at the pack's own size."""
    request = Request.model_validate({"person": "p", "garment": "g"}, context=defaults)
    return resident_bytes(request, latents(weights, variants(weights)[0]))


def attention_checkpoint(module: nn.Module, file: Path) -> Checkpoint:
    """The file's tensors beside the self-attentions of `module`."""
    names = attention_names(module)
    shapes = {name: tensor.shape for name, tensor in module.state_dict().items()}
    tensors, problems = read_tensors(file)
    tensors, disagreements = _one_spelling(tensors)
    problems += disagreements
    return Checkpoint(file, {key: shapes[name] for key, name in names.items()}, tensors, names, problems)


def attention_names(module: nn.Module) -> dict[str, str]:
    """Key in the attention file ("8.to_q.weight") -> name in the UNet."""
    attentions = [name for name, _ in module.named_modules() if name.endswith(".attn1")]
    attentions.sort(key=lambda name: _BLOCK_ORDER.index(name.split(".")[0]))
    return {
        f"{_ENTRIES_PER_ATTENTION * i}.{parameter}": f"{name}.{parameter}"
        for i, name in enumerate(attentions)
        for parameter in _PARAMETERS
    }


def _one_spelling(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors by their first spelling, and a problem for each two spellings that disagree."""
    renamed: dict[str, Tensor] = {}
    problems = []
    for key, tensor in tensors.items():
        first = _first_spelling(key)
        if first in renamed and not torch.equal(renamed[first].float(), tensor.float()):
            problems.append(f"{key!r} and another spelling of {first!r} hold different tensors")
        renamed[first] = tensor
    return renamed, problems


def _first_spelling(key: str) -> str:
    entry, _, rest = key.partition(".")
    if not entry.isdecimal():
        return key
    start = int(entry) // _ENTRIES_PER_ATTENTION * _ENTRIES_PER_ATTENTION
    for parameter, aliases in _ALIASES.items():
        if (int(entry) - start, rest) in aliases:
            return f"{start}.{parameter}"
    return key
