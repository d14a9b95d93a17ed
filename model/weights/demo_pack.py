"""The built-in demo pack: the published architectures at a hundredth of their width, random weights from a fixed seed.

It cannot dress anybody. Where it paints, the person wears an abstract print; everything around the networks works as
it does with published weights. All 3x3 kernels are smooth, so that the print is too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator

from model.catvton.checkpoint import attention_names
from model.catvton.files import FOLDERS, SCHEDULER, UNET, VAE, attention_file, files
from model.perception.files import LABEL_MAPS
from model.synthetic.body_export import LICENCE as BODY_LICENCE
from model.up2you.files import BODY, MATTING
from model.weights.demo_avatar import write_avatar_networks
from model.weights.demo_matting import write_matting
from model.weights.demo_tensors import VAE_CONFIG, random_tensors, write_json, write_network, write_tensors
from model.weights.pack import DEMO, MANIFEST

SEED = 6
LICENCE = "MIT (untrained demo networks)"
DEFAULTS = {
    "tryon": {"width": 192, "height": 256, "steps": 20},
    "avatar": {"size": 128, "steps": 4, "mesh_size": 256, "iterations": 4, "faces": 10_000},
}

_UNET_CONFIG: dict[str, Any] = {
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
_SCHEDULER_CONFIG: dict[str, Any] = {
    "_class_name": "DDIMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "clip_sample": False,
}
# Person and garment are faint beside the noise; amplified, they show through in the print.
_CONDITION_GAIN = 8


def write_demo_pack(folder: Path) -> None:
    """Write the pack's files under `folder`."""
    generator = Generator().manual_seed(SEED)
    unet, vae = UNet2DConditionModel.from_config(_UNET_CONFIG), AutoencoderKL.from_config(VAE_CONFIG)
    base = random_tensors(unet, generator)
    base["conv_in.weight"][:, -VAE_CONFIG["latent_channels"] :] *= _CONDITION_GAIN
    catvton = folder / FOLDERS["mask"]
    write_network(catvton / UNET, _UNET_CONFIG, base)
    write_network(catvton / VAE, VAE_CONFIG, random_tensors(vae, generator))
    write_json(catvton / SCHEDULER, _SCHEDULER_CONFIG)
    other = random_tensors(unet, generator)
    attention = {key: other[name] for key, name in attention_names(unet).items()}
    write_tensors(attention_file(folder), attention)
    written = write_avatar_networks(folder, generator)
    write_matting(folder / MATTING)
    for name in (BODY, *LABEL_MAPS):
        _copy(folder / name, DEMO / name)
    _write_manifest(folder, [*files(folder), *written, folder / MATTING, folder / BODY])


def _copy(file: Path, embedded: Path) -> None:
    """What takes long to make, or packages: the body (`model.synthetic.body_export`), the label networks
    (`model.train.parsing`)."""
    if file != embedded:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(embedded.read_bytes())


def _write_manifest(folder: Path, written: Sequence[Path]) -> None:
    origins = dict.fromkeys(LABEL_MAPS, ("MIT (trained on made-up people)", "python -m model.train.parsing"))
    origins[BODY] = (BODY_LICENCE, "python -m model.synthetic.body_export")
    facts = {}
    for file in written:
        name = file.relative_to(folder).as_posix()
        licence, source = origins.get(name, (LICENCE, "python -m model demo-pack"))
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        facts[name] = {"sha256": digest, "licence": licence, "source": source}
    write_json(folder / MANIFEST, {"files": facts, "defaults": DEFAULTS})
