"""What was trained, beside all else that the start has, as a MODEL_DIR in the published layout."""

from __future__ import annotations

from pathlib import Path

import torch

from model.engines.ootdiffusion.files import files, unet_folder
from model.train.networks import config_of
from model.train.outfitting.networks import OutfittingUNets
from model.train.outfitting.settings import OutfittingTraining
from model.train.output import PackFolder

_ENGINE = "ootdiffusion"


def write_unets(module: OutfittingUNets, settings: OutfittingTraining) -> None:
    """Write both UNets, whichever was trained, and copy what they need."""
    start, variant = settings.start, settings.variant
    if start is None:
        raise ValueError("settings were not validated: start is None")
    dtype = torch.float16 if settings.half else torch.float32
    pack = PackFolder(settings.out, _ENGINE, dtype, "python -m model train --engine ootdiffusion", start)
    pack.copy(start, [file for file in files(start) if file.is_file() and not _is_unets(file)])
    for name, unet in (("unet_garm", module.garment), ("unet_vton", module.denoiser)):
        pack.write_network(unet_folder(settings.out, variant, name), config_of(unet), unet.state_dict())
    size = {"width": settings.width, "height": settings.height}
    pack.write_manifest({**size, "steps": settings.sampling_steps, "guidance": settings.guidance})


def _is_unets(file: Path) -> bool:
    return file.parent.name.startswith("unet_")
