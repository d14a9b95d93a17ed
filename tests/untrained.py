"""A pack like the demo's whose try-on is tiny, random and quick, and paints prints: for tests of all that is around it.

It has no label networks, so a try-on needs its mask.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator

from model.demo_pack.tensors import VAE_CONFIG, random_tensors, write_json, write_network, write_tensors
from model.engines.catvton.checkpoint import attention_names
from model.engines.catvton.files import FOLDERS, SCHEDULER, UNET, VAE, attention_file
from model.engines.pack import EnginePack
from model.engines.up2you.files import MATTING
from model.train.scheduler import scheduler_config
from model.weights.pack import DEMO, MANIFEST

SEED = 6
DEFAULTS = {"catvton": {"width": 192, "height": 256, "steps": 20}}
UNET_CONFIG: dict[str, Any] = {
    "_class_name": "UNet2DConditionModel",
    "in_channels": 9,
    "out_channels": 4,
    "block_out_channels": [16, 32, 32, 32],
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "layers_per_block": 2,
    "norm_num_groups": 8,
    "cross_attention_dim": 8,
    "attention_head_dim": 1,  # the number of heads, as in SD 1.5
}
# Person and garment are faint beside the noise; amplified, they show through in the print.
_CONDITION_GAIN = 8


@cache
def untrained_pack() -> Path:
    """The folder, written once a session and gone after it."""
    folder = Path(_kept().name)
    write_untrained_tryon(folder)
    shutil.copytree(DEMO / "up2you", folder / "up2you")
    (folder / MATTING).parent.mkdir()
    shutil.copy(DEMO / MATTING, folder / MATTING)
    defaults = EnginePack(DEMO).manifest.defaults | DEFAULTS
    write_json(folder / MANIFEST, {"files": {}, "defaults": defaults})
    return folder


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="untrained-")


def write_untrained_tryon(folder: Path) -> None:
    """The mask-based variant in the published layout. All 3x3 kernels are smooth, and so is what it paints."""
    generator = Generator().manual_seed(SEED)
    unet, vae = UNet2DConditionModel.from_config(UNET_CONFIG), AutoencoderKL.from_config(VAE_CONFIG)
    base = random_tensors(unet, generator)
    base["conv_in.weight"][:, -VAE_CONFIG["latent_channels"] :] *= _CONDITION_GAIN
    catvton = folder / FOLDERS["mask"]
    write_network(catvton / UNET, UNET_CONFIG, base)
    write_network(catvton / VAE, VAE_CONFIG, random_tensors(vae, generator))
    write_json(catvton / SCHEDULER, scheduler_config("epsilon"))
    other = random_tensors(unet, generator)
    write_tensors(attention_file(folder), {key: other[name] for key, name in attention_names(unet).items()})
