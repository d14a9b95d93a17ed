"""People whom the warping try-on never learns from, and how it does on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from model.measures.exact_pair import colour_error, psnr
from model.measures.similarity import ssim
from model.train.warp.pairs import PairSamples, pairs_of
from model.train.warp.people import TARGETS, Size, kept_people
from model.train.warp.samples import Sample, sample
from model.tryon.pictures import picture_of

_UNSEEN_SEED = 1_000_000  # added to the people's: these are never learned from
TOGETHER = 10  # samples in a forward


class DressedBatch(NamedTuple):
    """B results beside their truths: result, truth (B, 3, H, W) in [-1, 1]; region, cover (B, 1, H, W) in 0..1, where
    the garment was put and where it truly is."""

    result: Tensor
    truth: Tensor
    region: Tensor
    cover: Tensor


def held_out(folders: Sequence[Path], count: int, people_seed: int, size: Size, processes: int) -> list[Sample]:
    """The test split's pairs, if a folder is a data set; else people of another seed, bare, in another garment."""
    if pairs := pairs_of(folders, "test")[:count]:
        others = PairSamples(pairs, size, 0.0)
        return [others.sample(number) for number in range(0, len(others), len(others) // len(pairs))]
    people = kept_people(folders[0], count, people_seed + _UNSEEN_SEED, size, processes)
    return [
        sample(part, i, 0, TARGETS - 1 - i % TARGETS, i % TARGETS, body="bare", found=False)
        for part in people
        for i in range(len(part))
    ]


def measured(batches: Iterable[DressedBatch]) -> dict[str, float]:
    """Means over all pictures, of 8 bits: SSIM, PSNR, the garment's colour error in levels, and its region's IoU."""
    rows = [_of_one(DressedBatch(*one)) for batch in batches for one in zip(*batch, strict=True)]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}


def _of_one(one: DressedBatch) -> dict[str, float]:
    result, truth = (picture_of(picture.float().cpu()) for picture in (one.result, one.truth))
    region, cover = (plane[0].float().cpu().numpy() > 0.5 for plane in (one.region, one.cover))
    levels, true_levels = np.asarray(result), np.asarray(truth)
    found = {"ssim": ssim(result, truth), "psnr": psnr(levels, true_levels)}
    if cover.any():
        found["colour_error"] = colour_error(levels, true_levels, cover)
        found["region_iou"] = float((region & cover).sum() / (region | cover).sum())
    return found
