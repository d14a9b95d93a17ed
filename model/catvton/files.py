"""Where the try-on's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

from pathlib import Path

from model.weights.layout import network_files

UNET = "catvton/base/unet"
VAE = "catvton/vae"
SCHEDULER = "catvton/base/scheduler/scheduler_config.json"

# The published attentions: trained on everything at 768 x 1024, or on one data set at 384 x 512.
VERSIONS = ("mix-48k-1024", "vitonhd-16k-512", "dresscode-16k-512")


def attention_file(weights: Path) -> Path:
    """The attention checkpoint to use: the first version that is there; the preferred one when none is."""
    files = [weights / "catvton/attention" / version / "attention/model.safetensors" for version in VERSIONS]
    return next((file for file in files if file.is_file()), files[0])


def files(weights: Path) -> list[Path]:
    """Every file the engine reads, present or not."""
    return [
        *network_files(weights / UNET),
        weights / SCHEDULER,
        *network_files(weights / VAE),
        attention_file(weights),
    ]
