"""How near six views of somebody are to the true ones.

All views here are (6, s, s, 4) float32 in 0..1: colours times alpha, and alpha.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer

Layers = NDArray[np.uint8]
Region = NDArray[np.bool_]

GARMENTS = (BodyLayer.UPPER, BodyLayer.LOWER, BodyLayer.ONE_PIECE)
_GREY = 0.5  # behind both, as published views have it
_SEEN, _INSIDE = 0.02, 0.49  # alpha from which a pixel counts as of the union, and as within the outline
_MANY, _SOME = 100, 30  # pixels of a garment that is judged: truly there, and within both outlines
_MOST_DB = 60.0  # of equal pictures, whose PSNR is infinite
_MARGIN = 5  # pixels: gradients are looked at only where everything around is the garment


def premultiplied(pictures: Sequence[Image.Image], size: int) -> Floats:
    """RGBA pictures as views of `size`."""
    small = [np.asarray(picture.convert("RGBa").resize((size, size), Image.Resampling.BOX)) for picture in pictures]
    views: Floats = (np.stack(small) / 255).astype(np.float32)
    return views


def on_grey(views: Floats) -> Floats:
    """(6, s, s, 3)."""
    colours: Floats = views[..., :3] + _GREY * (1 - views[..., 3:])
    return colours


def psnr_in_union(made: Floats, true: Floats) -> float:
    """dB, on grey, over the pixels that either shows."""
    return psnr(made, true, np.maximum(made[..., 3], true[..., 3]) > _SEEN)


def psnr_of_garments(made: Floats, true: Floats, layers: Layers) -> float:
    """dB, where a garment truly is. layers: (6, s, s), the true ones."""
    return psnr(made, true, np.isin(layers, GARMENTS) & (true[..., 3] > _INSIDE))


def psnr(made: Floats, true: Floats, region: Region) -> float:
    """dB on grey over a region, (6, s, s); nan of an empty one."""
    if not region.any():
        return float("nan")
    squared = float(np.square(on_grey(made) - on_grey(true))[region].mean())
    return min(-10 * float(np.log10(max(squared, 1e-12))), _MOST_DB)


def outline_iou(made: Floats, true: Floats) -> float:
    """How much of the union of both outlines is in both."""
    one, other = made[..., 3] > _INSIDE, true[..., 3] > _INSIDE
    return float((one & other).sum() / max((one | other).sum(), 1))


def colour_error(made: Floats, true: Floats, layers: Layers) -> float:
    """Mean distance in Lab between a garment's mean colours; nan if there is nothing to compare."""
    errors = []
    for garment in GARMENTS:
        there = layers == garment
        both = there & (made[..., 3] > _INSIDE)
        if there.sum() > _MANY and both.sum() > _SOME:
            errors.append(float(np.linalg.norm(_lab(made[both]) - _lab(true[there]))))
    return float(np.mean(errors)) if errors else float("nan")


def _lab(pixels: Floats) -> Floats:
    """The mean colour, (3,), of (N, 4), in Lab."""
    mean = pixels[:, :3].sum(0) / max(float(pixels[:, 3].sum()), 1e-6)
    lab: Floats = cv2.cvtColor(mean.clip(0, 1).astype(np.float32)[None, None], cv2.COLOR_RGB2LAB)[0, 0]
    return lab


def gradient_kept(made: Floats, true: Floats, layers: Layers) -> float:
    """Of the gradient inside true garments, the made views' share; nan if there is no inside."""
    garments = np.isin(layers, GARMENTS).astype(np.uint8)
    kernel = np.ones((_MARGIN, _MARGIN), np.uint8)
    inside = np.stack([cv2.erode(plane, kernel) for plane in garments]) > 0
    inside &= made[..., 3] > 1 - _SEEN
    if not inside.any():
        return float("nan")
    return float(_gradient(made)[inside].mean() / max(float(_gradient(true)[inside].mean()), 1e-6))


def _gradient(views: Floats) -> Floats:
    down, across = np.gradient(on_grey(views), axis=(1, 2))
    steepness: Floats = np.hypot(down, across)
    return steepness


def nearest_of(made: Floats, candidates: Sequence[Floats]) -> int:
    """Which of these views is nearest by squared error."""
    seen = on_grey(made)
    return int(np.argmin([np.square(seen - on_grey(candidate)).mean() for candidate in candidates]))
