"""Pairs from photos, as data sets have them: nobody knows their flow, but everybody what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from model.engines.warp.cutout import carried_on, garment_alpha
from model.engines.warp.inputs import PLACES
from model.engines.warp.old_garment import CLOTHES, old_garment
from model.train.datasets import Example, Split, is_data_set, read_examples
from model.train.truth_files import MapKind, read_labels, truth_files
from model.train.warp.augmentation import varied
from model.train.warp.people import found_labels
from model.train.warp.samples import Bytes, Sample
from model.tryon.automask import agnostic_mask
from model.tryon.pictures import Size, crop_resize, pad_resize
from model.tryon.request import Category

_VARIATIONS = 100  # of a pair: more than any training sees


def pairs_of(folders: Sequence[Path], split: Split = "train") -> list[Example]:
    """All pairs of those folders that are data sets, with photo and garment there."""
    found = [folder for folder in folders if is_data_set(folder, split) and (split == "train" or _has_test(folder))]
    return [example.checked(()) for folder in found for example in read_examples(folder, split)]


def _has_test(folder: Path) -> bool:
    """DressCode's halves are lists in the same folders, and one may lack that of the test."""
    return (folder / "test").is_dir() or any(folder.glob("*/test_pairs_paired.txt"))


class PairSamples:
    """Every number is one pair, varied in one of many ways: a photo and the garment that is worn in it.

    Label maps are those beside the photos where they are there, else the built-in networks'.

    Args:
        size: width and height.
        share_varied: share of samples that are varied at all.
    """

    def __init__(self, pairs: Sequence[Example], size: Size, share_varied: float) -> None:
        self._pairs, self._size, self._share_varied = pairs, size, share_varied
        self._read = cache(self._whole)

    def __len__(self) -> int:
        return len(self._pairs) * _VARIATIONS

    def sample(self, number: int) -> Sample:
        """One of them."""
        rng = np.random.default_rng([8, number])
        one = self._read(number // _VARIATIONS)
        return varied(one, rng) if rng.uniform() < self._share_varied else one

    def _whole(self, pair: int) -> Sample:
        example, size = self._pairs[pair], self._size
        facts = truth_files(example)
        photo, garment = (_opened(file) for file in (example.person, example.garment))
        small = crop_resize(photo, size)
        labels = {kind: read_labels(file, size) for kind, file in facts.maps.items() if file.is_file()}
        atr, densepose = _labels(small, labels)
        mask = _mask(example, facts.category, size, small)
        flat = np.asarray(pad_resize(garment, size))
        alpha = garment_alpha(flat)
        region = facts.region(size) if facts.seen.is_file() else np.isin(atr, CLOTHES[facts.category])
        cover = ((region if region is not None else mask > 0) & (mask > 0)).astype(np.float32)
        nowhere = np.zeros((*mask.shape, 2), np.float32)
        return Sample(
            photo=np.asarray(small),
            truth=np.asarray(small),
            densepose=densepose,
            atr=atr,
            mask=mask,
            hole=old_garment(atr, mask, facts.category),
            flat=carried_on(flat, alpha),
            alpha=alpha,
            flow=nowhere,
            cover=cover,
            shown=np.ones_like(cover),
            worn=atr,
            place=PLACES[facts.category],
            traced=False,
        )


def _labels(photo: Image.Image, read: dict[MapKind, Bytes]) -> tuple[Bytes, Bytes]:
    """ATR's and DensePose's."""
    if "atr" in read and "densepose" in read:
        return read["atr"], read["densepose"]
    maps = found_labels(photo)
    return read.get("atr", maps.atr), read.get("densepose", maps.densepose)


def _mask(example: Example, category: Category, size: Size, photo: Image.Image) -> Bytes:
    if example.mask.is_file():
        return (np.asarray(crop_resize(_opened(example.mask, "L"), size)) > 127).astype(np.uint8)
    return np.asarray(agnostic_mask(found_labels(photo), category), np.uint8)


def _opened(file: Path, mode: str = "RGB") -> Image.Image:
    with Image.open(file) as opened:
        return opened.convert(mode)
