"""Runs of the published code on tiny networks, and ours of the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from model.diffusion.sigmas import Sigmas
from model.diffusion.unipc import UniPC
from model.engines.ootdiffusion.networks import OOTDiffusionNetworks
from model.engines.ootdiffusion.pictures import PassPictures
from model.engines.ootdiffusion.prompts import clip_pixels
from model.engines.ootdiffusion.request import Variant
from model.engines.ootdiffusion.sampling import sample
from model.tryon.pictures import image_tensor, mask_tensor, picture_of
from model.tryon.request import Category
from tests.server import GOLDEN as ALL_GOLDEN

GOLDEN = ALL_GOLDEN / "ootdiffusion"
CATEGORIES: dict[str, Category] = {"upperbody": "upper", "lowerbody": "lower", "dress": "overall"}
TOLERANCE = 1e-4  # of an array's maximum
GREY_LEVELS = 2


@dataclass(frozen=True)
class Case:
    """One recorded call."""

    folder: Path

    @property
    def call(self) -> dict[str, Any]:
        call: dict[str, Any] = json.loads((self.folder / "case.json").read_text())
        return call

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        with np.load(self.folder / "tensors.npz") as opened:
            return dict(opened)

    @property
    def category(self) -> Category:
        return CATEGORIES[self.call["category"]]

    @property
    def variant(self) -> Variant:
        variant: Variant = self.call["model_type"]
        return variant

    def file(self, name: str) -> Path:
        file: Path = GOLDEN / "inputs" / f"{self.call[name]}.png"
        return file

    def picture(self, name: str) -> Image.Image:
        with Image.open(self.file(name)) as opened:
            opened.load()
            return opened

    def prepared(self) -> PassPictures:
        """The pictures as the published pipeline got them, whose sides it rounds down to multiples of 8."""
        person, masked, garment = (self._rounded(self.picture(name)) for name in ("person", "masked_person", "garment"))
        mask = self.picture("mask").point(lambda level: 255 if level >= 127 else 0)
        return PassPictures(image_tensor(person), image_tensor(masked), mask_tensor(mask), garment)

    def result(self, i: int) -> NDArray[np.uint8]:
        with Image.open(self.folder / f"result_{i}.png") as opened:
            return np.asarray(opened)

    @staticmethod
    def _rounded(picture: Image.Image) -> Image.Image:
        size = picture.width // 8 * 8, picture.height // 8 * 8
        return picture if size == picture.size else picture.resize(size, Resampling.LANCZOS)


CASES = [Case(folder) for folder in sorted(GOLDEN.glob("cases/*"))]


@dataclass(frozen=True)
class Outcome:
    prompt: Tensor
    first_prediction: Tensor  # (B, halves, 4, h, w)
    latents: Tensor  # (steps, B, 4, h, w)
    pictures: list[NDArray[np.uint8]]


async def replay(networks: OOTDiffusionNetworks, case: Case) -> Outcome:
    call, pictures = case.call, case.prepared()
    predictions: list[Tensor] = []
    async with networks.device.live("ootdiffusion", 0):
        guided = call["image_scale"] > 1
        # CLIP sees the garment before its sides are rounded.
        garment_pictures = image_tensor(pictures.garment), clip_pixels(case.picture("garment"))
        garment = await networks.garment(case.variant, case.category, *garment_pictures, guided=guided)
        person = await networks.encode(pictures)

        async def denoise(latents: Tensor, timestep: int) -> Tensor:
            predictions.append(await networks.predict(case.variant, latents, timestep, person, garment))
            return predictions[-1]

        sigmas = Sigmas.read(GOLDEN / f"checkpoints/ootd/{call['scheduler']}/scheduler_config.json")
        noise = torch.from_numpy(case.arrays["noise"])
        sampler = UniPC(sigmas, call["num_steps"])
        steps = sample(denoise, sampler, call["image_scale"], person.known, person.mask, noise)
        latents = torch.stack([latents async for _, latents in steps])
        painted = await networks.decode(latents[-1])
    return Outcome(garment.prompt, predictions[0], latents, [np.asarray(picture_of(one)) for one in painted])


def distance(ours: Tensor | NDArray[Any], theirs: NDArray[Any]) -> float:
    """The largest difference, relative to their largest value."""
    ours = np.asarray(ours)
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())
