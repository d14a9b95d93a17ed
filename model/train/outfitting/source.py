"""Samples for OOTDiffusion, prepared as they are for a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from model.engines.ootdiffusion.pictures import prepared
from model.engines.ootdiffusion.prompts import clip_pixels
from model.engines.ootdiffusion.request import Variant
from model.train.datasets import DRESSCODE_FOLDERS, Example, Split, read_examples
from model.train.errors import DataSetError
from model.train.examples import opened
from model.tryon.painter import Pass
from model.tryon.pictures import Size, image_tensor
from model.tryon.request import Category


@dataclass(frozen=True)
class OutfittingBatch:
    """Pictures (B, 3, H, W) in [-1, 1]. pixels: the garment as CLIP sees it, (B, 3, 224, 224)."""

    person: Tensor
    masked: Tensor
    garment: Tensor
    pixels: Tensor
    categories: tuple[Category, ...]

    def to(self, device: torch.device) -> OutfittingBatch:
        names = ("person", "masked", "garment", "pixels")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})


class OutfittingPictures:
    """Samples of data sets of any layout, see `model.train.datasets`; VITON-HD's garments are for the upper body.

    Raises:
        DataSetError: a data set lacks something, or has garments that the variant does not know.
    """

    def __init__(self, folders: Sequence[Path], split: Split, size: Size, variant: Variant) -> None:
        self._size = size
        self._examples = [one.checked(["mask"]) for folder in folders for one in read_examples(folder, split)]
        if variant == "hd" and (other := [one.name for one in self._examples if category_of(one) != "upper"]):
            raise DataSetError(f"{other[0]}: variant 'hd' is for upper garments; train 'dc'")

    def __len__(self) -> int:
        return len(self._examples)

    def batch(self, numbers: Sequence[int]) -> OutfittingBatch:
        """These samples together, on the host."""
        samples = [self._sample(self._examples[number]) for number in numbers]
        person, masked, garment, pixels = (torch.cat(part) for part in zip(*(s for s, _ in samples), strict=True))
        return OutfittingBatch(person, masked, garment, pixels, tuple(category for _, category in samples))

    def _sample(self, example: Example) -> tuple[tuple[Tensor, ...], Category]:
        photo, garment, mask = (opened(file) for file in (example.person, example.garment, example.mask))
        category = category_of(example)
        made = prepared(Pass(photo.convert("RGB"), garment.convert("RGB"), mask.convert("L"), category), self._size)
        return (made.person, made.masked, image_tensor(made.garment), clip_pixels(made.garment)), category


def category_of(example: Example) -> Category:
    """What kind of garment an example is about: by DressCode's folder; upper in the other layouts."""
    return DRESSCODE_FOLDERS.get(example.name.split("/")[0], "upper")
