"""Masks for drawn people: white where a garment may be painted anew."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from model.synthetic.body import SIDES
from model.synthetic.canvas import Canvas
from model.synthetic.figure import Figure
from model.synthetic.shape import Points
from model.synthetic.worn import UNTUCKED_HEM, hips, skirt, trouser_legs

_MARGIN, _RESPECT = 13.0, 3.0  # units: around the clothes; around hands, face and shoes, which stay

Region = NDArray[np.bool_]  # (H, W)


def upper_mask(figure: Figure) -> Image.Image:
    """Torso and whole arms, so that any sleeve has room; not hands, face or hair."""
    body = figure.body
    clothes = [body.torso(4.5, UNTUCKED_HEM), *(body.sleeve(side, 0.97) for side in SIDES)]
    return _mask(figure.canvas, clothes, [*_hands(figure), *figure.head.outlines()])


def lower_mask(figure: Figure) -> Image.Image:
    """From the waist to the ankles, wide enough for a skirt; not hands or shoes."""
    body = figure.body
    clothes = [hips(body), *trouser_legs(body), skirt(body)]
    return _mask(figure.canvas, clothes, [*_hands(figure), *(body.shoe(side) for side in SIDES)])


def _hands(figure: Figure) -> list[Points]:
    return [part for side in SIDES for part in figure.body.hand(side)]


def _mask(canvas: Canvas, repaint: Iterable[Points], keep: Iterable[Points]) -> Image.Image:
    chosen = _grown(canvas, repaint, _MARGIN) & ~_grown(canvas, keep, _RESPECT)
    return Image.fromarray(np.where(chosen, 255, 0).astype(np.uint8))


def _grown(canvas: Canvas, shapes: Iterable[Points], margin: float) -> Region:
    """Where any of `shapes` is, or is nearer than about `margin` units."""
    region = np.zeros((canvas.height, canvas.width), dtype=np.uint8)
    for shape in shapes:
        patch = canvas.patch(shape)
        part = region[patch.rows, patch.columns]
        np.maximum(part, np.rint(patch.cover * 255).astype(np.uint8), out=part)
    # A blurred straight edge is down to a tenth at 1.28 standard deviations from it.
    blurred = Image.fromarray(region).filter(ImageFilter.GaussianBlur(margin * canvas.scale / 1.28))
    return np.asarray(blurred) > 25
