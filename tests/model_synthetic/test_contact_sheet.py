"""The contact sheet: its size, and that every picture is where it belongs."""

from __future__ import annotations

from PIL import Image

from model.synthetic.contact_sheet import GAP, LABEL_HEIGHT, MARGIN, contact_sheet, sheet_size

CELL = (40, 60)


def plain(colour: str) -> Image.Image:
    return Image.new("RGB", CELL, colour)


def test_pictures_stand_in_columns() -> None:
    sheet = contact_sheet([[plain("red"), plain("green")], [plain("blue"), plain("black")]], "ab", "cd", cell=CELL)
    x, y = MARGIN + LABEL_HEIGHT + 20, MARGIN + LABEL_HEIGHT + 30
    across, down = CELL[0] + GAP, CELL[1] + GAP
    assert sheet.getpixel((x, y)) == (255, 0, 0)
    assert sheet.getpixel((x, y + down)) == (0, 128, 0)
    assert sheet.getpixel((x + across, y)) == (0, 0, 255)
    assert sheet.getpixel((x + across, y + down)) == (0, 0, 0)


def test_columns_that_do_not_fit_start_a_new_band() -> None:
    columns = [[plain("red")]] * 5
    sheet = contact_sheet(columns, ["row"], list("12345"), cell=CELL, columns_a_band=2)
    assert sheet.size == sheet_size(5, 1, CELL, 2, has_title=False)
    assert sheet.width == 2 * MARGIN + LABEL_HEIGHT + 2 * CELL[0] + GAP
    third_band_y = MARGIN + LABEL_HEIGHT + 2 * (LABEL_HEIGHT + CELL[1] + 2 * GAP) + 30
    assert sheet.getpixel((MARGIN + LABEL_HEIGHT + 20, third_band_y)) == (255, 0, 0)


def test_a_picture_of_another_shape_is_fitted_whole() -> None:
    wide = Image.new("RGB", (400, 100), "red")
    sheet = contact_sheet([[wide]], ["row"], ["column"], cell=CELL)
    left, top = MARGIN + LABEL_HEIGHT, MARGIN + LABEL_HEIGHT
    assert sheet.getpixel((left + 20, top + 30)) == (255, 0, 0)
    assert sheet.getpixel((left + 20, top + 5)) != (255, 0, 0)
