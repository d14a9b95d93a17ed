"""Where the try-on's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

from pathlib import Path

from model.engines.catvton.request import Variant
from model.perception.files import label_map_files
from model.weights.layout import network_files

# Each variant is there when its folder is; what the folder lacks then stops the start.
FOLDERS: dict[Variant, str] = {"mask": "catvton", "maskfree": "catvton_maskfree"}

# In each of these folders:
UNET = "base/unet"
VAE = "vae"
SCHEDULER = "base/scheduler/scheduler_config.json"

# The published attentions: trained on everything at 768 x 1024, or on one data set at 384 x 512.
VERSIONS = ("mix-48k-1024", "Mix-1024-60k", "vitonhd-16k-512", "dresscode-16k-512")


def variants(weights: Path) -> list[Variant]:
    """The variants whose folders are there, the preferred one first; only the preferred one when none is."""
    present = [variant for variant, folder in FOLDERS.items() if (weights / folder).is_dir()]
    return present or ["mask"]


def attention_file(weights: Path, variant: Variant = "mask") -> Path:
    """The attention checkpoint to use: the first version that is there; the preferred one when none is."""
    folder = weights / FOLDERS[variant] / "attention"
    files = [folder / version / "attention/model.safetensors" for version in VERSIONS]
    return next((file for file in files if file.is_file()), files[0])


def files(weights: Path) -> list[Path]:
    """Every file the engine reads, present or not, and those that it reads only if they are there."""
    needed = [file for variant in variants(weights) for file in variant_files(weights, variant)]
    return needed + [file for file in label_map_files(weights) if file.is_file()]


def variant_files(weights: Path, variant: Variant) -> list[Path]:
    """Every file of one variant, present or not."""
    folder = weights / FOLDERS[variant]
    return [
        *network_files(folder / UNET),
        folder / SCHEDULER,
        *network_files(folder / VAE),
        attention_file(weights, variant),
    ]
