"""A sheet of paper: outlines are filled, softly shaded and blurred onto it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from model.synthetic.colour import WHITE, Colour
from model.synthetic.shape import Points

SHEET = (576, 768)  # units; a picture of another size shows the sheet scaled and centred
SUPERSAMPLING = 4

Array = NDArray[np.floating[Any]]
# x and y of every pixel in sheet units and the size of a pixel in them -> (h, w, 3) of 0..255.
Weave = Callable[[Array, Array, float], Array]
Fill = Colour | Weave

_SHADOW_TINT = np.array([0.80, 1.00, 0.88], dtype=np.float32)  # shadows keep some red: warm, never grey


@dataclass(frozen=True)
class Patch:
    """The part of a canvas that an outline touches, with how much of each pixel it covers."""

    rows: slice
    columns: slice
    cover: Array  # (h, w) of 0..1


class Canvas:
    """Pixels being painted.

    Args:
        size: width and height in pixels.
        paper: what the canvas shows before anything is painted.
    """

    def __init__(self, size: tuple[int, int], paper: Fill = WHITE) -> None:
        self.width, self.height = size
        self.scale = min(self.width / SHEET[0], self.height / SHEET[1])  # pixels a unit
        self.offset = np.array([(self.width - SHEET[0] * self.scale) / 2, (self.height - SHEET[1] * self.scale) / 2])
        everything = Patch(
            slice(0, self.height), slice(0, self.width), np.ones((self.height, self.width), dtype=np.float32)
        )
        self.pixels: Array = self._colours(paper, everything).copy()

    def paint(
        self,
        shape: Points,
        fill: Fill,
        *,
        inside: Points | None = None,
        opacity: float = 1.0,
        blur: float = 0.0,
        shade: float = 0.0,
        depth: float = 9.0,
    ) -> None:
        """Fill `shape`.

        Args:
            inside: paint only where this other outline is too.
            blur: softness of the edge, in units.
            shade: 0..1, how dark the side away from the light (which comes from the upper left) becomes.
            depth: how far that shade reaches in, in units.
        """
        patch = self.patch(shape, margin=3 * blur, inside=inside, blur=blur)
        colours = self._colours(fill, patch)
        if shade:
            colours = colours * self._shading(shape, patch, shade, depth)
        under = self.pixels[patch.rows, patch.columns]
        under += patch.cover[..., None] * opacity * (np.clip(colours, 0, 255) - under)

    def darken(self, shape: Points, strength: float, *, inside: Points | None = None, blur: float = 6.0) -> None:
        """Lay a soft shadow of `shape` over what is there; a negative strength is a light."""
        patch = self.patch(shape, margin=3 * blur, inside=inside, blur=blur)
        under = self.pixels[patch.rows, patch.columns]
        weight = patch.cover[..., None] * abs(strength)
        under += weight * (_SHADOW_TINT * -under if strength > 0 else 255 - under)

    def patch(self, shape: Points, *, margin: float = 0.0, inside: Points | None = None, blur: float = 0.0) -> Patch:
        """Rasterise `shape`, in a box that is `margin` units larger than it."""
        at = shape * self.scale + self.offset
        (left, top), (right, bottom) = (
            np.floor(at.min(axis=0) - margin * self.scale - 1).astype(int),
            np.ceil(at.max(axis=0) + margin * self.scale + 1).astype(int),
        )
        rows = slice(*np.clip((top, bottom), 0, self.height).tolist())
        columns = slice(*np.clip((left, right), 0, self.width).tolist())
        cover = self._blurred(self._cover(at, rows, columns), blur)
        if inside is not None:
            cover = cover * self._cover(inside * self.scale + self.offset, rows, columns)
        return Patch(rows, columns, cover)

    def image(self) -> Image.Image:
        return Image.fromarray(np.clip(np.rint(self.pixels), 0, 255).astype(np.uint8))

    def _cover(self, at: Points, rows: slice, columns: slice) -> Array:
        n = SUPERSAMPLING
        height, width = rows.stop - rows.start, columns.stop - columns.start
        fine = Image.new("L", (width * n, height * n))
        corners = (at - (columns.start, rows.start)) * n - 0.5
        ImageDraw.Draw(fine).polygon([(x, y) for x, y in corners.tolist()], fill=255)
        return np.asarray(fine.reduce(n), dtype=np.float32) / 255

    def _blurred(self, cover: Array, blur: float) -> Array:
        if not blur:
            return cover
        soft = Image.fromarray(np.rint(cover * 255).astype(np.uint8))
        soft = soft.filter(ImageFilter.GaussianBlur(blur * self.scale))
        return np.asarray(soft, dtype=np.float32) / 255

    def _shading(self, shape: Points, patch: Patch, shade: float, depth: float) -> Array:
        """A factor per pixel and channel: darker towards the lower right edge, a little lighter at the other."""
        away = self._halo(shape, patch, depth, (-0.9, -0.5))
        towards = self._halo(shape, patch, depth, (0.6, 0.5))
        return 1 - shade * away[..., None] * _SHADOW_TINT + 0.35 * shade * towards[..., None]

    def _halo(self, shape: Points, patch: Patch, depth: float, shift: tuple[float, float]) -> Array:
        at = (shape + np.asarray(shift) * depth) * self.scale + self.offset
        return 1 - self._blurred(self._cover(at, patch.rows, patch.columns), depth)

    def _colours(self, fill: Fill, patch: Patch) -> Array:
        shape = (*patch.cover.shape, 3)
        if isinstance(fill, tuple):
            return np.broadcast_to(np.asarray(fill, dtype=np.float32), shape)
        y, x = np.mgrid[patch.rows, patch.columns].astype(np.float32)
        units = ((x + 0.5 - self.offset[0]) / self.scale, (y + 0.5 - self.offset[1]) / self.scale)
        return fill(units[0].astype(np.float32), units[1].astype(np.float32), 1 / self.scale)
