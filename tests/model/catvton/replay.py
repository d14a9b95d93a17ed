"""Running a recorded case again and comparing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Generator, Tensor

from model.diffusion.ddim import DDIM
from model.diffusion.noise import Normal
from model.engines.catvton.networks import CatVTONNetworks
from model.engines.catvton.sampling import sample
from model.tryon.pictures import TryOnTensors, picture_of, tryon_tensors

LATENT_TOLERANCE = 1e-4  # of the largest latent of the case
GREY_LEVELS = 2

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """One recorded call. `inputs` holds the pictures it names."""

    folder: Path
    inputs: Path

    @property
    def call(self) -> dict[str, Any]:
        call: dict[str, Any] = json.loads((self.folder / "case.json").read_text())
        return call

    @property
    def arrays(self) -> Arrays:
        with np.load(self.folder / "tensors.npz") as opened:
            return dict(opened)

    def picture(self, name: str) -> Image.Image:
        with Image.open(self.inputs / f"{self.call[name]}.png") as opened:
            opened.load()
            return opened

    def result(self, i: int) -> NDArray[np.uint8]:
        return pixels(self.folder / f"result_{i}.png")

    def prepared(self) -> TryOnTensors:
        if self.call.get("tensor_batch"):
            arrays = self.arrays
            return TryOnTensors(*(torch.from_numpy(arrays[name]) for name in ("in_image", "in_condition", "in_mask")))
        size = self.call["width"], self.call["height"]
        mask = self.picture("mask") if "mask" in self.call else None
        return tryon_tensors(self.picture("person"), self.picture("garment"), mask, size)


@dataclass(frozen=True)
class Outcome:
    condition: Tensor
    latents: Tensor  # (steps, B, 4, 2h, w), or (steps, B, 4, h, 2w) without a mask
    pictures: list[NDArray[np.uint8]]
    next_numbers: dict[str, list[float]]  # what each generator would draw next


async def replay(networks: CatVTONNetworks, case: Case) -> Outcome:
    call, prepared = case.call, case.prepared()
    everywhere = Generator().manual_seed(call["global_seed"])
    own = everywhere if call["generator_seed"] is None else Generator().manual_seed(call["generator_seed"])
    eta = 1.0 if call["eta"] is None else call["eta"]
    ddim = DDIM(networks.noise_schedule, call["steps"], eta)
    async with networks.device.live("tryon", 0):
        condition = await networks.encode(
            prepared, len(prepared.person), drawing_from(everywhere), guided=call["guidance"] > 1
        )
        steps = sample(networks.denoiser, ddim, condition, call["guidance"], drawing_from(own))
        latents = torch.stack([latents async for _, latents in steps])
        painted = await networks.decode(latents[-1])
    next_numbers = {"global_rng_next4": torch.rand(4, generator=everywhere).tolist()}
    if own is not everywhere:
        next_numbers["generator_next4"] = torch.rand(4, generator=own).tolist()
    return Outcome(condition, latents, [np.asarray(picture_of(one)) for one in painted], next_numbers)


def drawing_from(generator: Generator) -> Normal:
    """All rows from one generator, as the published code draws them."""

    def draw(shape: Sequence[int]) -> Tensor:
        return torch.randn(tuple(shape), generator=generator)

    return draw


def pixels(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as opened:
        return np.asarray(opened)


def distance(ours: Tensor | NDArray[Any], theirs: NDArray[Any]) -> float:
    """The largest difference, relative to their largest value."""
    return float(np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max())


def grey_levels(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> int:
    """The largest difference of two pictures."""
    if ours.shape != theirs.shape:
        raise ValueError(f"pictures of {ours.shape} and {theirs.shape}")
    return int(np.abs(ours.astype(int) - theirs.astype(int)).max())
