"""What is wrong with a data set, before hours are spent on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from model.train.datasets import Example, Split, is_data_set, read_examples
from model.train.errors import DataSetError
from model.train.truth_files import read_labels, truth_files

_CLASSES = {"densepose": 25, "lip": 20, "atr": 18}  # a label map has lower numbers
SPLITS: tuple[Split, ...] = ("train", "test")


def problems(folder: Path) -> Iterator[str]:
    """In words, file by file; nothing of what is fine.

    Raises:
        DataSetError: it has none of the layouts.
    """
    there = [split for split in SPLITS if is_data_set(folder, split) and _listed(folder, split)]
    if not there:
        raise DataSetError(f"{folder}: none of VITON-HD, DressCode and Vesaki, or without lists of pairs")
    for split in there:
        try:
            examples = read_examples(folder, split)
        except DataSetError as error:
            yield error.message
            continue
        for example in examples:
            yield from _of(example)


def _listed(folder: Path, split: Split) -> bool:
    return (folder / split / "pairs.txt").is_file() or any(folder.rglob(f"{split}_pairs*.txt"))


def _of(example: Example) -> Iterator[str]:
    sizes = {}
    for name in ("person", "garment", "mask"):
        file = getattr(example, name)
        try:
            with Image.open(file) as opened:
                opened.load()
                sizes[name] = opened.size
                if name == "mask" and not np.asarray(opened.convert("L")).any():
                    yield f"{file}: the mask is empty"
        except FileNotFoundError:
            yield f"{file}: not there"
        except (OSError, UnidentifiedImageError):
            yield f"{file}: not a picture"
    if "mask" in sizes and "person" in sizes and sizes["mask"] != sizes["person"]:
        yield f"{example.mask}: {sizes['mask']}, but the photo is {sizes['person']}"
    for kind, file in truth_files(example).maps.items():
        if file.is_file() and "person" in sizes:
            yield from _labels(file, sizes["person"], _CLASSES[kind])


def _labels(file: Path, size: tuple[int, int], classes: int) -> Iterator[str]:
    try:
        most = int(read_labels(file, size).max())
    except DataSetError as error:
        yield error.message
        return
    if most >= classes:
        yield f"{file}: has label {most}, there are {classes}"
