"""One person and one garment as the files of a layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from model.engines.warp.cutout import garment_alpha
from model.train.datasets import Split
from model.train.own_photos.annotating import Annotated
from model.tryon.request import Category

OwnLayout = Literal["vitonhd", "dresscode", "vesaki"]
LAYOUTS: tuple[OwnLayout, ...] = ("vitonhd", "dresscode", "vesaki")
_PLACES: Mapping[Category, str] = {"upper": "upper_body", "lower": "lower_body", "overall": "dresses"}

# Of a person of this name: photo, mask, labels of ATR and LIP, DensePose's, silhouette, joints. Then of a garment.
_PERSON: Mapping[OwnLayout, tuple[str, ...]] = {
    "vitonhd": (
        *("image/{}.jpg", "agnostic-mask/{}_mask.png", "image-parse-atr/{}.png", "image-parse-v3/{}.png"),
        *("densepose-labels/{}.png", "silhouette/{}.png", "openpose_json/{}_keypoints.json"),
    ),
    "dresscode": (
        *("images/{}_0.jpg", "agnostic_masks/{}_0.png", "label_maps/{}_4.png", "label_maps_lip/{}.png"),
        *("dense/{}_5.png", "silhouettes/{}.png", "keypoints/{}_2.json"),
    ),
    "vesaki": (
        *("person/{}_person.jpg", "agnostic-mask/{}_person_mask.png", "person-parse/{}_person.png"),
        *("person-parse-lip/{}_person.png", "densepose-labels/{}_person.png", "densepose/{}_person_mask.png"),
        "openpose/{}_person_keypoints.json",
    ),
}
_GARMENT: Mapping[OwnLayout, tuple[str, str]] = {
    "vitonhd": ("cloth/{}.jpg", "cloth-mask/{}.jpg"),
    "dresscode": ("images/{}_1.jpg", "cloth_masks/{}_1.png"),
    "vesaki": ("garment/{}.jpg", "garment-mask/{}.png"),
}
_QUALITY = 95  # of JPEG


class SplitFolder:
    """Where a split of a layout goes."""

    def __init__(self, out: Path, layout: OwnLayout, category: Category, split: Split) -> None:
        self.layout, self.split = layout, split
        self.top = out / layout / _PLACES[category] if layout == "dresscode" else out / layout
        self.folder = self.top if layout == "dresscode" else self.top / split

    def person(self, name: str, one: Annotated) -> None:
        """A person's photo and all that was found in it."""
        files = [self._file(pattern, name) for pattern in _PERSON[self.layout]]
        maps = one.maps
        planes = (one.mask * np.uint8(255), maps.atr, maps.lip, maps.densepose, one.body)
        for file, picture in zip(files, (one.photo, *map(Image.fromarray, planes)), strict=False):
            picture.save(file, quality=_QUALITY)
        files[-1].write_text(json.dumps(one.pose))

    def garment(self, name: str, picture: Image.Image) -> None:
        """A garment's picture, and where it is in it."""
        alpha = (garment_alpha(np.asarray(picture)) * 255).astype(np.uint8)
        for pattern, each in zip(_GARMENT[self.layout], (picture, Image.fromarray(alpha)), strict=True):
            each.save(self._file(pattern, name), quality=_QUALITY)

    def lists(self, paired: list[tuple[str, str]], unpaired: list[tuple[str, str]]) -> None:
        """Which garment goes with whom."""
        person, garment = (Path(patterns[self.layout][0]).name for patterns in (_PERSON, _GARMENT))

        def written(pairs: list[tuple[str, str]]) -> str:
            return "".join(f"{person.format(one)} {garment.format(other)}\n" for one, other in pairs)

        if self.layout == "vesaki":
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "pairs.txt").write_text(written(paired))
            (self.folder / f"{self.split}_list.txt").write_text("".join(f"{one}\n" for one, _ in paired))
            return
        self.top.mkdir(parents=True, exist_ok=True)
        names = ("train_pairs.txt",) if self.split == "train" else ("test_pairs_paired.txt", "test_pairs_unpaired.txt")
        for name, pairs in zip(names, (paired, unpaired), strict=False):
            (self.top / name).write_text(written(pairs))

    def _file(self, pattern: str, name: str) -> Path:
        file = self.folder / pattern.format(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file
