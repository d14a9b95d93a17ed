"""Many labelled pictures on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

MARGIN, GAP, LABEL_HEIGHT = 36, 14, 26  # pixels
_PAPER, _INK, _FAINT = "#faf8f5", "#2b2a28", "#8b8680"


def contact_sheet(
    columns: Sequence[Sequence[Image.Image]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    *,
    title: str = "",
    cell: tuple[int, int] = (180, 240),
    columns_a_band: int = 8,
) -> Image.Image:
    """Lay `columns` side by side, each with its pictures from top to bottom, in as many bands as they need.

    Args:
        columns: one sequence of pictures a column, as many as there are `row_labels`.
        cell: width and height in pixels that each picture is fitted into.
    """
    width, height = sheet_size(len(columns), len(row_labels), cell, columns_a_band, bool(title))
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((MARGIN, MARGIN - 6), title, fill=_INK, font=_font(24))
    for index, (pictures, label) in enumerate(zip(columns, column_labels, strict=True)):
        band, column = divmod(index, columns_a_band)
        x = MARGIN + LABEL_HEIGHT + column * (cell[0] + GAP)
        y = MARGIN + (2 * LABEL_HEIGHT if title else 0) + band * _band_height(len(row_labels), cell)
        draw.text((x + cell[0] / 2, y + LABEL_HEIGHT - 7), label, fill=_INK, font=_font(14), anchor="ms")
        for row, picture in enumerate(pictures):
            top = y + LABEL_HEIGHT + row * (cell[1] + GAP)
            _place(sheet, picture, (x, top), cell)
            if column == 0:
                _write_upwards(sheet, row_labels[row], (MARGIN, top), cell[1])
    return sheet


def sheet_size(columns: int, rows: int, cell: tuple[int, int], columns_a_band: int, has_title: bool) -> tuple[int, int]:
    """Width and height in pixels of the sheet that `contact_sheet` makes."""
    bands = -(-columns // columns_a_band)
    across = min(columns, columns_a_band)
    width = 2 * MARGIN + LABEL_HEIGHT + across * (cell[0] + GAP) - GAP
    height = 2 * MARGIN + (2 * LABEL_HEIGHT if has_title else 0) + bands * _band_height(rows, cell) - 2 * GAP
    return width, height


def _band_height(rows: int, cell: tuple[int, int]) -> int:
    return LABEL_HEIGHT + rows * (cell[1] + GAP) + GAP


def _place(sheet: Image.Image, picture: Image.Image, at: tuple[int, int], cell: tuple[int, int]) -> None:
    fitted = ImageOps.contain(picture.convert("RGB"), cell, Image.Resampling.LANCZOS)
    x = at[0] + (cell[0] - fitted.width) // 2
    y = at[1] + (cell[1] - fitted.height) // 2
    sheet.paste(fitted, (x, y))
    frame = (x - 1, y - 1, x + fitted.width, y + fitted.height)
    ImageDraw.Draw(sheet).rectangle(frame, outline="#e4dfd8")


def _write_upwards(sheet: Image.Image, text: str, at: tuple[int, int], length: int) -> None:
    strip = Image.new("RGB", (length, LABEL_HEIGHT), _PAPER)
    ImageDraw.Draw(strip).text((length / 2, LABEL_HEIGHT - 12), text, fill=_FAINT, font=_font(14), anchor="ms")
    sheet.paste(strip.rotate(90, expand=True), at)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
