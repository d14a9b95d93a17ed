"""From files to the tensors of a batch, prepared as they are for a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, TypeVar

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from model.engines.catvton.request import Variant
from model.train.datasets import Example, Split, is_data_set, pictures_in, read_examples
from model.train.errors import DataSetError
from model.tryon.pictures import Size, crop_resize, image_tensor, mask_tensor, pad_resize, without_masked

Batch = TypeVar("Batch", covariant=True)


class Source(Protocol[Batch]):
    """Samples by number."""

    def __len__(self) -> int: ...

    def batch(self, numbers: Sequence[int]) -> Batch:
        """These samples together, on the host."""


@dataclass(frozen=True)
class Triples:
    """What the try-on is trained with: pictures (B, 3, H, W) in [-1, 1], or their latents' moments (B, 2C, h, w).

    target: the person wearing the garment. condition: what is seen of the person, masked or in another garment.
    mask: (B, 1, H, W), or (B, 1, h, w) beside latents; 1 where the garment goes. None where nobody needs it.
    """

    target: Tensor
    condition: Tensor
    garment: Tensor
    mask: Tensor | None

    def to(self, device: torch.device) -> Self:
        mask = None if self.mask is None else self.mask.to(device)
        return type(self)(self.target.to(device), self.condition.to(device), self.garment.to(device), mask)


class TryOnPictures:
    """Samples of data sets of any layout, see `model.train.datasets`.

    Args:
        masked: whether there is a mask; the condition of the mask-based variant also needs it.

    Raises:
        DataSetError: a data set lacks something.
    """

    def __init__(self, folders: Sequence[Path], split: Split, size: Size, variant: Variant, *, masked: bool) -> None:
        self.size = size
        self.variant = variant
        self.masked = masked or variant == "mask"
        parts = [*(["mask"] if self.masked else []), *(["other"] if variant == "maskfree" else [])]
        self.examples = [
            example.checked(parts)  # type: ignore[arg-type]
            for folder in folders
            for example in read_examples(folder, split)
        ]

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def identity(self) -> str:
        """Changes when other files are read or in another way; not when a file changes."""
        names = "\n".join(f"{example.person} {example.garment}" for example in self.examples)
        return f"{self.variant} {self.masked} {self.size}\n{names}"

    def batch(self, numbers: Sequence[int]) -> Triples:
        """Pictures of these samples together, on the host."""
        samples = [self._sample(self.examples[number]) for number in numbers]
        masks = [sample.mask for sample in samples if sample.mask is not None]
        return Triples(
            torch.cat([sample.target for sample in samples]),
            torch.cat([sample.condition for sample in samples]),
            torch.cat([sample.garment for sample in samples]),
            torch.cat(masks) if masks else None,
        )

    def _sample(self, example: Example) -> Triples:
        person = image_tensor(crop_resize(opened(example.person), self.size))
        garment = image_tensor(pad_resize(opened(example.garment), self.size))
        mask = mask_tensor(crop_resize(opened(example.mask), self.size)) if self.masked else None
        if self.variant == "maskfree":
            condition = image_tensor(crop_resize(opened(example.other), self.size))
        else:
            condition = without_masked(person, torch.zeros(1) if mask is None else mask)
        return Triples(person, condition, garment, mask)


class Pictures:
    """What an autoencoder must know: of a data set persons, masked persons and garments; or any pictures.

    Raises:
        DataSetError: a folder holds nothing of the kind.
    """

    def __init__(self, folders: Sequence[Path], split: Split, size: Size) -> None:
        self.size = size
        self._samples: list[Path | Example] = []  # an example stands for its masked person
        for folder in folders:
            if is_data_set(folder, split):
                for example in read_examples(folder, split):
                    self._samples += [example.checked(["mask"]), example.person, example.garment]
            else:
                self._samples += pictures_in(folder)

    def __len__(self) -> int:
        return len(self._samples)

    def batch(self, numbers: Sequence[int]) -> Tensor:
        """(B, 3, H, W) in [-1, 1]."""
        return torch.cat([self._sample(self._samples[number]) for number in numbers])

    def _sample(self, sample: Path | Example) -> Tensor:
        if isinstance(sample, Path):
            return image_tensor(crop_resize(opened(sample), self.size))
        mask = mask_tensor(crop_resize(opened(sample.mask), self.size))
        return without_masked(image_tensor(crop_resize(opened(sample.person), self.size)), mask)


def opened(file: Path) -> Image.Image:
    """The picture.

    Raises:
        DataSetError: it is none.
    """
    try:
        with Image.open(file) as picture:
            picture.load()
    except (OSError, UnidentifiedImageError) as error:
        raise DataSetError(f"{file}: cannot be read as a picture: {error}") from error
    return picture
