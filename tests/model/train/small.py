"""A data set of four coloured people, and networks so small that a step takes milliseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.synthetic.datasets.layouts import Record, write_vitonhd
from model.synthetic.scene.picture import Picture
from model.train.settings import Training

WIDTH = HEIGHT = 64

VAE = {
    "block_out_channels": [8, 8, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "layers_per_block": 1,
    "latent_channels": 6,
    "norm_num_groups": 4,
    "mid_block_add_attention": False,
}
UNET = {
    "block_out_channels": [8, 16],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "cross_attention_dim": 4,
    "attention_head_dim": 2,
}


def picture(seed: int, shirt: tuple[int, int, int]) -> Picture:
    """A head, a shirt with two bare arms, trousers: rectangles."""
    rng = np.random.default_rng(seed)
    lip: NDArray[np.uint8] = np.zeros((HEIGHT, WIDTH), np.uint8)
    lip[6:18, 26:38] = 13
    lip[18:40, 14:20], lip[18:40, 44:50] = 14, 15
    lip[18:40, 20:44] = 5
    lip[40:62, 22:42] = 9
    atr = np.select([lip == 13, lip == 14, lip == 15, lip == 5, lip == 9], [11, 14, 15, 4, 6], 0).astype(np.uint8)
    dense = np.select([lip == 13, lip == 14, lip == 15, lip == 5, lip == 9], [23, 16, 15, 2, 9], 0).astype(np.uint8)
    colours = np.zeros((20, 3), np.uint8)
    colours[[0, 13, 14, 15, 9]] = rng.integers(40, 220, (5, 3))
    colours[5] = shirt
    flat = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    flat[12:52, 16:48] = shirt
    person = lip > 0
    normals = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    normals[person] = (0.6, 0.0, 0.8)
    keypoints = np.zeros((18, 3), np.float32)
    keypoints[0] = (32, 12.25, 1)
    return Picture(
        photo=Image.fromarray(colours[lip]),
        alpha=Image.fromarray(person.astype(np.uint8) * 255),
        lip=lip,
        atr=atr,
        densepose=dense,
        keypoints=keypoints,
        normals=normals,
        depths=np.where(person, np.float32(2.5), np.float32(0)),
        garments={"upper": Image.fromarray(flat)},
        regions={"upper": lip == 5},
    )


def records(count: int = 4) -> list[Record]:
    shirts = [(200, 30, 30), (30, 160, 40), (30, 40, 200), (220, 200, 40)]
    return [
        Record(
            stem=f"{i:05d}_00",
            picture=picture(i, shirts[i % 4]),
            place="upper",
            other=picture(i, shirts[(i + 1) % 4]).photo,
        )
        for i in range(count)
    ]


def data_set(folder: Path) -> Path:
    write_vitonhd(folder, "train", records())
    return folder


# Two steps on the CPU.
QUICK: dict[str, Any] = {
    "width": WIDTH,
    "height": HEIGHT,
    "max_steps": 2,
    "batch_size": 2,
    "learning_rate": 1e-3,
    "log_steps": 1,
    "picture_steps": 0,
    "sampling_steps": 2,
    "device": "cpu",
    "workers": 1,
}


def settings(folder: Path, **changes: Any) -> Training:
    """Two steps on the CPU, everything under `folder`."""
    quick: dict[str, Any] = {
        "data": str(folder / "data"),
        "out": str(folder / "pack"),
        "checkpoints": str(folder / "checkpoints"),
        "logs": str(folder / "logs"),
        **QUICK,
    }
    return Training.model_validate(quick | changes)


def autoencoder(folder: Path, **changes: Any) -> Training:
    return settings(folder, what="autoencoder", vae=json.dumps(VAE), **changes)


def tryon(folder: Path, **changes: Any) -> Training:
    new = {"start": str(folder / "start"), "unet": json.dumps(UNET), "trainable": "all", "dream": "none"}
    return settings(folder, what="tryon", **(new | changes))
