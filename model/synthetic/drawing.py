"""Sample pictures drawn by the project itself: a person to dress, with masks, and the garment to try on."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from model.synthetic.canvas import SHEET, Canvas
from model.synthetic.figure import Figure
from model.synthetic.flat import draw_flat
from model.synthetic.garment import Garment
from model.synthetic.look import Look
from model.synthetic.mask import lower_mask, upper_mask


@dataclass(frozen=True)
class Picture:
    """A photo (RGB) and its two masks (L, 0 or 255), all of one size. White is to be repainted."""

    photo: Image.Image
    upper_mask: Image.Image
    lower_mask: Image.Image


def draw_person(look: Look, size: tuple[int, int] = SHEET) -> Picture:
    """Draw `look` on width x height pixels. The same look and size always give the same pixels."""
    figure = Figure(Canvas(size), look)
    figure.paint()
    return Picture(figure.canvas.image(), upper_mask(figure), lower_mask(figure))


def draw_garment(garment: Garment, size: tuple[int, int] = SHEET) -> Image.Image:
    """Draw `garment` lying flat on white, width x height pixels (RGB)."""
    canvas = Canvas(size)
    draw_flat(canvas, garment)
    return canvas.image()
