"""Does a result show the right garment? It should look more like its own flat picture than like eleven others.

A garment is described by the colours of its pixels (histograms: Swain and Ballard, "Color indexing", 1991) and by
strength and direction of its edges (Dalal and Triggs, "Histograms of oriented gradients", 2005), not by where they are:
so a shirt that lies flat can be compared with the same one worn by somebody.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from model.errors import InputError
from model.measures.exact_pair import Levels, Region

Description = NDArray[np.float64]  # (D,)

GROUP = 12  # garments among which the right one is to be found

# Every garment is brought to so many pixels, hence its pattern to about one scale however large it is pictured.
_AREA = 48 * 48
_LIGHTNESS_BINS, _CHROMA_BINS = 8, 16  # of L, and of a and b each
_DIRECTIONS = 8  # over 180 degrees
_STRENGTHS = (4.0, 10.0, 25.0, 60.0)  # levels a pixel; weaker edges count as none
_NEARLY_WHITE, _MARGINS_A_HEIGHT = 250, 40  # a white ground's least level; margins in a picture's height
_KERNEL = np.ones((3, 3), np.uint8)  # a pixel and its eight neighbours


def description(picture: Levels, region: Region) -> Description:
    """What is seen in the region. Two descriptions are as far apart as their Euclidean distance says, 0..2.

    These are square roots of histograms, so the distance is Hellinger's.

    Args:
        picture: (H, W, 3) uint8 RGB.
        region: (H, W) bool, the garment's pixels.

    Raises:
        InputError: the sizes differ, or the region is empty.
    """
    if region.shape != picture.shape[:2]:
        raise InputError(f"the region is {region.shape}, the picture {picture.shape[:2]}", field="region")
    if not region.any():
        raise InputError("the region is empty", field="region")
    levels, inside = _at_common_scale(picture, region)
    lab = np.asarray(cv2.cvtColor(levels / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)  # L 0..100, a, b -128..127
    histograms = _colours(lab[inside]), _edges(lab[..., 0] * np.float32(2.55), inside)
    return np.sqrt(np.concatenate(histograms) / len(histograms))


def garment_pixels(flat: Levels) -> Region:
    """(H, W) bool: all of a flat picture but the nearly white that is connected with its border, and a margin.

    The margin, 1/40 of the height, is where the garment's shadow lies; it is kept of garments that would vanish.
    """
    whiteness = (flat.min(2) >= _NEARLY_WHITE).astype(np.uint8)
    bordered = np.pad(whiteness, 1, constant_values=1)
    _, areas = cv2.connectedComponents(bordered, connectivity=4)
    garment = (areas != areas[0, 0])[1:-1, 1:-1].astype(np.uint8)
    margin = len(flat) // _MARGINS_A_HEIGHT
    inner = cv2.erode(garment, np.ones((2 * margin + 1,) * 2, np.uint8))
    return np.asarray(inner if np.any(inner) else garment, np.bool_)


def nearest(results: Sequence[Description], garments: Sequence[Description]) -> NDArray[np.int64]:
    """(results,): the index of the garment whose description is nearest to each result's."""
    apart = np.stack(results)[:, None] - np.stack(garments)[None]  # (results, garments, D)
    return np.asarray(np.linalg.norm(apart, axis=2).argmin(1), np.int64)


def found_among_groups(
    results: Sequence[Description], garments: Sequence[Description], names: Sequence[str], size: int = GROUP
) -> NDArray[np.bool_]:
    """(N,) bool: whether the garment nearest to each result is its own, among a group of `size`.

    Groups are consecutive; the last is filled up with those before it. Garments of one name are one garment.

    Raises:
        InputError: there are fewer than `size`.
    """
    if len(results) < size:
        raise InputError(f"a group has {size} garments, there are {len(results)}", field="results")
    found = np.zeros(len(results), np.bool_)
    for start in range(0, len(results), size):
        first = min(start, len(results) - size)
        group = slice(first, first + size)
        chosen = first + nearest(results[start : start + size], garments[group])
        found[start : start + size] = [names[i] == names[choice] for i, choice in enumerate(chosen, start)]
    return found


def _at_common_scale(picture: Levels, region: Region) -> tuple[Levels, Region]:
    """Cut to the region and resized until it has about `_AREA` pixels."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    cut, inside = picture[box], region[box]
    scale = (_AREA / np.count_nonzero(inside)) ** 0.5
    size = max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    levels = np.asarray(cv2.resize(cut, size, interpolation=how), np.uint8)
    resized = np.asarray(cv2.resize(inside.astype(np.float32), size, interpolation=how) >= 0.5)
    return levels, resized if resized.any() else np.ones_like(resized)


def _colours(lab: NDArray[np.float32]) -> Description:
    """A histogram of (pixels, 3) colours, each shared among the eight bins around it; sums to 1."""
    shape = (_LIGHTNESS_BINS, _CHROMA_BINS, _CHROMA_BINS)
    unit = (lab + np.array([0, 128, 128])) / (100, 256, 256)
    return _shared(np.clip(unit, 0, 1) * (np.array(shape) - 1), shape)


def _edges(lightness: NDArray[np.float32], inside: Region) -> Description:
    """A histogram of direction and strength of the edges within the garment, its outline left out; sums to 1."""
    across = cv2.Sobel(lightness, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(lightness, cv2.CV_32F, 0, 1, scale=1 / 8)
    within = np.asarray(cv2.erode(inside.astype(np.uint8), _KERNEL, borderValue=0), np.bool_)
    if not within.any():
        within = inside
    across, down = np.asarray(across)[within], np.asarray(down)[within]
    strength = np.digitize(np.hypot(across, down), _STRENGTHS)
    direction = np.arctan2(down, across) / np.pi % 1 * _DIRECTIONS
    low = np.floor(direction)
    histogram = np.zeros((len(_STRENGTHS) + 1, _DIRECTIONS))
    np.add.at(histogram, (strength, low.astype(int) % _DIRECTIONS), 1 - (direction - low))
    np.add.at(histogram, (strength, (low.astype(int) + 1) % _DIRECTIONS), direction - low)
    histogram[0] = histogram[0].mean()  # no edge has no direction
    return np.asarray(histogram.ravel() / histogram.sum(), np.float64)


def _shared(places: NDArray[np.floating], shape: tuple[int, ...]) -> Description:
    """A histogram of points (N, axes) in bins' coordinates, each shared linearly among its neighbours; sums to 1."""
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, np.array(shape) - 1)
    towards = places - low
    histogram = np.zeros(shape)
    for corner in np.ndindex(*(2,) * len(shape)):
        upper = np.array(corner, np.bool_)
        weight = np.where(upper, towards, 1 - towards).prod(1)
        np.add.at(histogram, tuple(np.where(upper, high, low).T), weight)
    return histogram.ravel() / len(places)
