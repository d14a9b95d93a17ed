"""Many labelled pictures on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

MARGIN, GAP, LABEL_HEIGHT, TITLE_HEIGHT = 36, 14, 26, 52  # pixels
_PAPER, _FRAME, _INK, _FAINT = "#faf8f5", "#e4dfd8", "#2b2a28", "#8b8680"


@dataclass(frozen=True)
class Layout:
    """Where things are on a sheet, in pixels.

    Columns stand side by side, `columns_a_band` of them, and go on in a further band below.
    """

    columns: int
    rows: int
    cell: tuple[int, int]  # width and height that each picture is fitted into
    columns_a_band: int
    title_height: int = 0
    row_label_width: int = 0

    @property
    def size(self) -> tuple[int, int]:
        across, bands = min(self.columns, self.columns_a_band), -(-self.columns // self.columns_a_band)
        return (
            2 * MARGIN + self.row_label_width + across * (self.cell[0] + GAP) - GAP,
            2 * MARGIN + self.title_height + bands * self._band_height - 2 * GAP,
        )

    def label(self, column: int) -> tuple[int, int]:
        """The upper left corner of a column's label."""
        band, place = divmod(column, self.columns_a_band)
        x = MARGIN + self.row_label_width + place * (self.cell[0] + GAP)
        return x, MARGIN + self.title_height + band * self._band_height

    def place(self, column: int, row: int) -> tuple[int, int]:
        """The upper left corner of a picture's cell."""
        x, y = self.label(column)
        return x, y + LABEL_HEIGHT + row * (self.cell[1] + GAP)

    @property
    def _band_height(self) -> int:
        return LABEL_HEIGHT + self.rows * (self.cell[1] + GAP) + GAP


def contact_sheet(
    columns: Sequence[Sequence[Image.Image]],
    column_labels: Sequence[str],
    row_labels: Sequence[str] = (),
    *,
    title: str = "",
    cell: tuple[int, int] = (180, 240),
    columns_a_band: int = 10,
) -> Image.Image:
    """Lay `columns`, each with its pictures from top to bottom, on a sheet; see `Layout`."""
    layout = Layout(
        len(columns),
        max(map(len, columns)),
        cell,
        columns_a_band,
        title_height=TITLE_HEIGHT if title else 0,
        row_label_width=LABEL_HEIGHT if row_labels else 0,
    )
    sheet = Image.new("RGB", layout.size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN - 6), title, fill=_INK, font=_font(24))
    for column, (pictures, label) in enumerate(zip(columns, column_labels, strict=True)):
        x, y = layout.label(column)
        draw.text((x + cell[0] / 2, y + LABEL_HEIGHT - 7), label, fill=_INK, font=_font(14), anchor="ms")
        for row, picture in enumerate(pictures):
            _put(sheet, picture, layout.place(column, row), cell)
    for column in range(0, len(columns), columns_a_band):
        for row, label in enumerate(row_labels):
            _write_upwards(sheet, label, (MARGIN, layout.place(column, row)[1]), cell[1])
    return sheet


def _put(sheet: Image.Image, picture: Image.Image, at: tuple[int, int], cell: tuple[int, int]) -> None:
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    fitted = ImageOps.contain(opaque.convert("RGB"), cell, Image.Resampling.LANCZOS)
    x, y = at[0] + (cell[0] - fitted.width) // 2, at[1] + (cell[1] - fitted.height) // 2
    ImageDraw.Draw(sheet).rectangle((x - 1, y - 1, x + fitted.width, y + fitted.height), fill=_FRAME)
    sheet.paste(fitted, (x, y))


def _write_upwards(sheet: Image.Image, text: str, at: tuple[int, int], length: int) -> None:
    strip = Image.new("RGB", (length, LABEL_HEIGHT), _PAPER)
    ImageDraw.Draw(strip).text((length / 2, LABEL_HEIGHT - 12), text, fill=_FAINT, font=_font(14), anchor="ms")
    sheet.paste(strip.rotate(90, expand=True), at)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
