"""Where the weights lie, as in the `checkpoints` folder of the hub. Imported by the front process, so: never torch."""

from __future__ import annotations

from pathlib import Path

from model.engines.ootdiffusion.request import Variant
from model.perception.files import label_map_files
from model.weights.layout import CONFIG, TRANSFORMERS_TENSOR_FILES, network_files, tensor_file

VARIANTS: tuple[Variant, ...] = ("hd", "dc")

FOLDER = "ootdiffusion"
_BASE = f"{FOLDER}/ootd"
VAE = f"{_BASE}/vae"
SCHEDULER = f"{_BASE}/scheduler/scheduler_config.json"
TEXT_ENCODER = f"{_BASE}/text_encoder"
TOKENIZER = f"{_BASE}/tokenizer"
IMAGE_ENCODER = f"{FOLDER}/clip-vit-large-patch14"

_TOKENIZER_FILES = ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")
_ENCODER_FILES = (*TRANSFORMERS_TENSOR_FILES, "model.fp16.safetensors")


def unet_folder(weights: Path, variant: Variant, name: str) -> Path:
    """Of the UNet called `name`: "unet_garm", which sees the garment, or "unet_vton", which paints."""
    return _variant_folder(weights, variant) / "checkpoint-36000" / name


def variants(weights: Path) -> list[Variant]:
    """The variants whose folders are there; only the first when none is."""
    return [one for one in VARIANTS if _variant_folder(weights, one).is_dir()] or [VARIANTS[0]]


def encoder_file(folder: Path) -> Path:
    """The tensors of a CLIP folder."""
    return tensor_file(folder, _ENCODER_FILES)


def files(weights: Path) -> list[Path]:
    """Every file the engine reads, present or not, and those that it reads only if they are there."""
    encoders = [weights / TEXT_ENCODER, weights / IMAGE_ENCODER]
    unets = [unet_folder(weights, one, name) for one in variants(weights) for name in ("unet_garm", "unet_vton")]
    there = (weights / _BASE).is_dir()  # perception files alone are not this engine's
    return [
        *(file for folder in unets for file in network_files(folder)),
        *network_files(weights / VAE),
        weights / SCHEDULER,
        *(file for folder in encoders for file in (folder / CONFIG, encoder_file(folder))),
        *(weights / TOKENIZER / name for name in _TOKENIZER_FILES),
        *(file for file in label_map_files(weights) if there and file.is_file()),
    ]


def _variant_folder(weights: Path, variant: Variant) -> Path:
    return weights / _BASE / f"ootd_{variant}"
