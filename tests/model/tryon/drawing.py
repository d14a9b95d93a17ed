"""Small pictures for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.model.catvton.replay import pixels


def noise(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, len(mode)), dtype=np.uint8)
    return Image.fromarray(levels.squeeze())


def rectangle(width: int, height: int, box: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).rectangle(box, fill=255)
    return mask


def opened(file: Path) -> Image.Image:
    with Image.open(file) as picture:
        picture.load()
        return picture


def array(picture: Image.Image) -> NDArray[Any]:
    return np.asarray(picture)


def saved(picture: Image.Image, file: Path, **options: Any) -> Path:
    picture.save(file, **options)
    return file


def same(ours: Image.Image, theirs: Path) -> bool:
    return ours.mode == opened(theirs).mode and bool((array(ours) == pixels(theirs)).all())
