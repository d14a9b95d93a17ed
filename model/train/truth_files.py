"""What a data set knows beside the photos: label maps, and where the garment is that a person wears.

Published sets have one parsing. Ours have both, in folders of their own, and the garment's region by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.Image import Resampling

from model.perception.overlap import Labels
from model.train.datasets import DRESSCODE_FOLDERS, VESAKI_PEOPLE, Example
from model.train.errors import DataSetError
from model.tryon.pictures import Size, crop_box
from model.tryon.request import Category

Region = NDArray[np.bool_]  # (H, W)
MapKind = Literal["densepose", "lip", "atr"]

_ATR_CLOTHES: dict[Category, tuple[int, ...]] = {"upper": (4,), "lower": (5, 6), "overall": (7,)}
_LIP_CLOTHES = (5, 6, 7)  # upper clothes, dress, coat: VITON-HD's garments are worn above


@dataclass(frozen=True)
class TruthFiles:
    """Files of one example, present or not.

    category: of the garment; VITON-HD has upper ones only.
    mask: of this category.
    seen: white where this very garment is seen.
    clothes: the kind of label map that tells clothes apart, and its classes that are such a garment.
    maps: label maps of the person.
    """

    category: Category
    mask: Path
    seen: Path
    clothes: tuple[MapKind, tuple[int, ...]]
    maps: dict[MapKind, Path]

    def region(self, size: Size) -> Region | None:
        """(H, W) bool at `size`: where the garment, or one of its category, is worn; None: nothing says it.

        Raises:
            DataSetError: what says it is no label map.
        """
        if self.seen.is_file():
            return read_labels(self.seen, size) > 0
        kind, classes = self.clothes
        if not self.maps[kind].is_file():
            return None
        return np.isin(read_labels(self.maps[kind], size), classes)


def truth_files(example: Example) -> TruthFiles:
    """By the names that the example's layout gives them."""
    folder, stem = example.person.parent.parent, example.person.stem
    if folder.name in DRESSCODE_FOLDERS:
        return _dresscode(folder, stem.rpartition("_")[0], example.mask)  # 013563_0.jpg is the person of 013563
    if folder.joinpath(VESAKI_PEOPLE).is_dir():
        return _vesaki(folder, stem, example.mask)
    maps: dict[MapKind, Path] = {
        "densepose": folder / "densepose-labels" / f"{stem}.png",
        "lip": folder / "image-parse-v3" / f"{stem}.png",
        "atr": folder / "image-parse-atr" / f"{stem}.png",
    }
    upper = folder / "agnostic-mask-upper" / example.mask.name
    mask = upper if upper.is_file() else example.mask
    return TruthFiles("upper", mask, folder / "regions" / f"{stem}.png", ("lip", _LIP_CLOTHES), maps)


def _vesaki(folder: Path, stem: str, mask: Path) -> TruthFiles:
    """Its parsing has ATR's labels; what it calls DensePose is a silhouette and no label map."""
    maps: dict[MapKind, Path] = {
        "densepose": folder / "densepose-labels" / f"{stem}.png",
        "lip": folder / "person-parse-lip" / f"{stem}.png",
        "atr": folder / "person-parse" / f"{stem}.png",
    }
    return TruthFiles("upper", mask, folder / "regions" / f"{stem}.png", ("atr", _ATR_CLOTHES["upper"]), maps)


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


def _dresscode(folder: Path, number: str, mask: Path) -> TruthFiles:
    category = DRESSCODE_FOLDERS[folder.name]
    maps: dict[MapKind, Path] = {
        "densepose": folder / "dense" / f"{number}_5.png",
        "lip": folder / "label_maps_lip" / f"{number}.png",
        "atr": folder / "label_maps" / f"{number}_4.png",
    }
    seen = folder / "regions" / f"{number}.png"
    return TruthFiles(category, mask, seen, ("atr", _ATR_CLOTHES[category]), maps)
