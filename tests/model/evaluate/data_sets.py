"""Tiny test sets in the published layouts, drawn in flat colours, of which everything is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.measures.exact_pair import Levels
from tests.model.tryon.drawing import saved
from tests.model.tryon.labelled import ATR, DENSEPOSE, LIP, SHIRT, Colour, draw_labelled, where

SIZE = 96, 128
SHIRTS = 12


def shirt(i: int) -> tuple[Colour, Colour]:
    """The two colours of the i-th striped shirt."""
    return (20 * i, 255 - 20 * i, 40 + 90 * (i % 3)), (255 - 10 * i, 30 * (i % 5), 20 * i)


def person(i: int) -> Levels:
    """Somebody in the i-th shirt."""
    pixels = np.array(draw_labelled(SIZE))
    worn, stripes = where(draw_labelled(SIZE), SHIRT), (np.arange(SIZE[1]) // 4 % 2 == 0)[:, None]
    pixels[worn & stripes], pixels[worn & ~stripes] = shirt(i)
    return pixels


def flat(i: int) -> Levels:
    """The i-th shirt alone on white, of another size."""
    pixels = np.full((128, 96, 3), 255, np.uint8)
    rows, columns = slice(24, 104), slice(16, 80)
    stripes = np.arange(80) // 8 % 2 == 0
    pixels[rows, columns][stripes], pixels[rows, columns][~stripes] = shirt(i)
    return pixels


def mask() -> Image.Image:
    """The shirt and what is around it."""
    pixels = np.zeros((128, 96), np.uint8)
    pixels[28:74, 28:68] = 255
    return Image.fromarray(pixels)


def labels(names: dict[Colour, int]) -> NDArray[np.uint8]:
    """The label map of everybody."""
    picture = draw_labelled(SIZE)
    classes = np.zeros((128, 96), np.uint8)
    for colour, name in names.items():
        classes[where(picture, colour)] = name
    return classes


def palette(classes: NDArray[np.uint8]) -> Image.Image:
    """As label maps are published: indices into a palette."""
    picture = Image.fromarray(classes)
    picture.putpalette([value for i in range(256) for value in (i, 255 - i, 7 * i % 256)])
    return picture


def write_vitonhd(folder: Path, count: int = SHIRTS, *, masks: bool = True, maps: bool = True) -> Path:
    """`count` people, each beside the garment worn, and in the unpaired list beside the next one's."""
    part = folder / "test"
    for name in ("image", "cloth", "agnostic-mask", "image-parse-v3"):
        (part / name).mkdir(parents=True)
    for i in range(count):
        saved(Image.fromarray(person(i)), part / f"image/{i:05}_00.png")
        saved(Image.fromarray(flat(i)), part / f"cloth/{i:05}_00.png")
        if masks:
            saved(mask(), part / f"agnostic-mask/{i:05}_00_mask.png")
        if maps:
            saved(palette(labels(LIP)), part / f"image-parse-v3/{i:05}_00.png")
    lines = [f"{i:05}_00.png {(i + 1) % count:05}_00.png\n" for i in range(count)]
    (folder / "test_pairs.txt").write_text("".join(lines))
    return folder


def write_dresscode(folder: Path, count: int = 2) -> Path:
    """`count` people with upper garments; kinds of which there is none have no folder."""
    part = folder / "upper_body"
    for name in ("images", "agnostic_masks", "label_maps", "dense"):
        (part / name).mkdir(parents=True)
    for i in range(count):
        saved(Image.fromarray(person(i)), part / f"images/{i:06}_0.png")
        saved(Image.fromarray(flat(i)), part / f"images/{i:06}_1.png")
        saved(mask(), part / f"agnostic_masks/{i:06}_0.png")
        saved(Image.fromarray(labels(ATR)), part / f"label_maps/{i:06}_4.png")
        saved(Image.fromarray(labels(DENSEPOSE)), part / f"dense/{i:06}_5.png")
    paired = [f"{i:06}_0.png {i:06}_1.png\n" for i in range(count)]
    unpaired = [f"{i:06}_0.png {(i + 1) % count:06}_1.png\n" for i in range(count)]
    (part / "test_pairs_paired.txt").write_text("".join(paired))
    (part / "test_pairs_unpaired.txt").write_text("".join(unpaired))
    return folder
