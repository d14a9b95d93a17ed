"""How near a result is to the exact truth, the same person photographed in that garment, and what filling would reach.

Pictures are (H, W, 3) uint8 RGB, regions (H, W) bool. All measures take the two pictures at one size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError

Levels = NDArray[np.uint8]  # (H, W, 3)
Region = NDArray[np.bool_]  # (H, W)

MOST_PSNR = 100.0  # dB, of equal pictures: a mean over pictures stays a number


def psnr(result: Levels, truth: Levels, where: Region | None = None) -> float:
    """Peak signal-to-noise ratio in dB over the pixels of `where` (all of them if absent), at most `MOST_PSNR`.

    10 log10(255² / mean squared error), the mean over pixels and channels.

    Raises:
        InputError: the pictures or the region differ in size, or the region is empty.
    """
    difference = _inside(result, truth, where)
    error = float(np.mean(difference**2))
    return MOST_PSNR if error == 0 else min(MOST_PSNR, 10 * float(np.log10(255**2 / error)))


def colour_error(result: Levels, truth: Levels, region: Region) -> float:
    """How far the mean colour of the region is from the true one, in levels 0..255.

    The mean over the three channels of |mean over the region of the result - mean over the region of the truth|.

    Raises:
        InputError: the pictures or the region differ in size, or the region is empty.
    """
    return float(np.abs(_inside(result, truth, region).mean(0)).mean())


def filled(truth: Levels, where: Region, garment: Region) -> Levels:
    """The truth with the pixels of `where` in the garment's mean colour: what any result should surpass.

    The colour is the mean of `truth` over `garment`, of all constants the one with the least squared error there. With
    the mask as `where` this is somebody who knows the colour alone; with the garment's region, one who also knows its
    silhouette and all that is around it.

    Raises:
        InputError: a region differs in size from the picture, or the garment's is empty.
    """
    _check(truth, truth, garment)
    if where.shape != garment.shape:
        raise InputError(f"the area to fill is {where.shape}, the garment's region {garment.shape}", field="where")
    copy = truth.copy()
    copy[where] = truth[garment].mean(0).round()
    return copy


def _inside(result: Levels, truth: Levels, where: Region | None) -> NDArray[np.float64]:
    """(pixels, 3): result - truth."""
    region = np.ones(truth.shape[:2], np.bool_) if where is None else where
    _check(result, truth, region)
    return result[region].astype(np.float64) - truth[region]


def _check(result: Levels, truth: Levels, region: Region) -> None:
    if result.shape != truth.shape:
        raise InputError(f"the result is {result.shape}, its truth {truth.shape}", field="result")
    if region.shape != truth.shape[:2]:
        raise InputError(f"the region is {region.shape}, the pictures are {truth.shape[:2]}", field="region")
    if not region.any():
        raise InputError("the region is empty", field="region")
