"""Where the warping try-on's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from model.engines.warp.request import VARIANTS, Variant
from model.perception.files import label_map_files

WEIGHTS = "warp/warp.safetensors"
TPS = "warp/tps/tps.safetensors"
GMM, TOM = "warp/cpvton/gmm_final.pth", "warp/cpvton/tom_final.pth"

OF_VARIANT: Mapping[Variant, tuple[str, ...]] = {"dense": (WEIGHTS,), "tps": (TPS,), "cpvton": (GMM, TOM)}


def variants(weights: Path) -> list[Variant]:
    """The variants of which a file is there; only the first when none is."""
    return [one for one in VARIANTS if any((weights / name).is_file() for name in OF_VARIANT[one])] or [VARIANTS[0]]


def files(weights: Path) -> list[Path]:
    """Every file the engine reads, present or not, and those that it reads only if they are there."""
    own = [weights / name for variant in variants(weights) for name in OF_VARIANT[variant]]
    there = any(file.is_file() for file in own)  # perception files alone are not this engine's
    return [*own, *(maps for maps in label_map_files(weights) if there and maps.is_file())]
