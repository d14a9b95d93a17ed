"""What a data set knows beside the photos: label maps, and in them where the garment is that a person wears."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.Image import Resampling

from model.catvton.pictures import Size, crop_box
from model.catvton.request import Category
from model.evaluate.exact_pair import Region
from model.evaluate.overlap import Labels
from model.train.datasets import DRESSCODE_FOLDERS, Example
from model.train.errors import DataSetError

MapKind = Literal["densepose", "lip", "atr"]

_CATEGORIES: dict[str, Category] = {"upper_body": "upper", "lower_body": "lower", "dresses": "overall"}
_ATR_CLOTHES: dict[Category, tuple[int, ...]] = {"upper": (4,), "lower": (5, 6), "overall": (7,)}
_LIP_CLOTHES = (5, 6, 7)  # upper clothes, dress, coat: VITON-HD's garments are worn above


@dataclass(frozen=True)
class TruthFiles:
    """Files of one example, present or not.

    category: of the garment.
    clothes: the kind of label map that tells clothes apart, and its classes that are such a garment.
    maps: label maps of the person.
    """

    category: Category
    clothes: tuple[MapKind, tuple[int, ...]]
    maps: dict[MapKind, Path]

    def region(self, size: Size) -> Region | None:
        """(H, W) bool at `size`: where the person wears a garment of this category; None: there is no label map.

        Raises:
            DataSetError: the label map is not one.
        """
        kind, classes = self.clothes
        if not self.maps[kind].is_file():
            return None
        return np.isin(read_labels(self.maps[kind], size), classes)


def truth_files(example: Example) -> TruthFiles:
    """By the names that the example's layout gives them."""
    folder, stem = example.person.parent.parent, example.person.stem
    if folder.name not in DRESSCODE_FOLDERS:
        return TruthFiles("upper", ("lip", _LIP_CLOTHES), {"lip": folder / "image-parse-v3" / f"{stem}.png"})
    category, number = _CATEGORIES[folder.name], stem.rpartition("_")[0]  # 013563_0.jpg is the person of 013563
    maps: dict[MapKind, Path] = {
        "atr": folder / "label_maps" / f"{number}_4.png",
        "densepose": folder / "dense" / f"{number}_5.png",
    }
    return TruthFiles(category, ("atr", _ATR_CLOTHES[category]), maps)


def read_labels(file: Path, size: Size) -> Labels:
    """(H, W) uint8, the class of each pixel, at `size` (width, height), cut to its aspect like the photo.

    Raises:
        DataSetError: it is no picture of one channel.
    """
    try:
        with Image.open(file) as opened:
            opened.load()
            labels = np.asarray(opened)  # of a picture with a palette: the indices
    except (OSError, UnidentifiedImageError) as error:
        raise DataSetError(f"{file}: not a picture") from error
    if labels.ndim != 2:
        raise DataSetError(f"{file}: a label map has one channel, this picture has {labels.shape[2]}")
    plane = Image.fromarray(labels.astype(np.uint8))
    return np.asarray(plane.crop(crop_box(plane.size, size)).resize(size, Resampling.NEAREST))
