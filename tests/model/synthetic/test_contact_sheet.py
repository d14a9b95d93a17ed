"""The contact sheet: its size, and that every picture is where it belongs."""

from __future__ import annotations

from PIL import Image

from model.contact_sheet import GAP, LABEL_HEIGHT, MARGIN, TITLE_HEIGHT, Layout, contact_sheet

CELL = (40, 60)


def plain(colour: str) -> Image.Image:
    return Image.new("RGB", CELL, colour)


def middle(layout: Layout, column: int, row: int) -> tuple[int, int]:
    x, y = layout.place(column, row)
    return x + CELL[0] // 2, y + CELL[1] // 2


def test_pictures_stand_in_columns() -> None:
    sheet = contact_sheet([[plain("red"), plain("lime")], [plain("blue"), plain("black")]], "ab", cell=CELL)
    layout = Layout(2, 2, CELL, 10)
    assert sheet.size == layout.size
    assert sheet.getpixel(middle(layout, 0, 0)) == (255, 0, 0)
    assert sheet.getpixel(middle(layout, 0, 1)) == (0, 255, 0)
    assert sheet.getpixel(middle(layout, 1, 0)) == (0, 0, 255)
    assert sheet.getpixel(middle(layout, 1, 1)) == (0, 0, 0)


def test_columns_that_do_not_fit_start_a_new_band() -> None:
    sheet = contact_sheet([[plain("red")]] * 5, list("12345"), cell=CELL, columns_a_band=2)
    layout = Layout(5, 1, CELL, 2)
    assert sheet.size == layout.size == (2 * MARGIN + 2 * CELL[0] + GAP, layout.place(4, 0)[1] + CELL[1] + MARGIN)
    assert layout.place(4, 0)[0] == layout.place(0, 0)[0] == MARGIN
    assert sheet.getpixel(middle(layout, 4, 0)) == (255, 0, 0)
    assert sheet.getpixel((layout.place(1, 0)[0], layout.place(4, 0)[1])) != (255, 0, 0)


def test_a_title_and_row_labels_take_their_room() -> None:
    bare = contact_sheet([[plain("red")]], ["column"], cell=CELL)
    labelled = contact_sheet([[plain("red")]], ["column"], ["row"], title="Title", cell=CELL)
    assert labelled.size == (bare.width + LABEL_HEIGHT, bare.height + TITLE_HEIGHT)


def test_a_picture_of_another_shape_is_fitted_whole() -> None:
    sheet = contact_sheet([[Image.new("RGB", (400, 100), "red")]], ["column"], cell=CELL)
    layout = Layout(1, 1, CELL, 10)
    assert sheet.getpixel(middle(layout, 0, 0)) == (255, 0, 0)
    assert sheet.getpixel((middle(layout, 0, 0)[0], layout.place(0, 0)[1] + 5)) != (255, 0, 0)
