"""The client's files, opened: upright, in eight bits, in a mode the pipeline knows."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.engines.catvton.request import Request
from model.errors import InputError
from model.pictures.reading import read_picture
from model.tryon.reading import over_white, read_inputs
from model.tryon.request import Garments
from tests.model.conftest import DATA
from tests.model.tryon.drawing import array, noise, rectangle, saved


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways
    file = saved(rectangle(40, 20, (0, 0, 9, 19)), tmp_path / "photo.jpg", exif=exif, quality=100)
    upright = read_picture(file, "person")
    assert upright.size == (20, 40)
    assert [round(upright.getpixel((10, y)) / 255) for y in (2, 35)] == [1, 0]  # type: ignore[operator]


def test_a_garments_transparency_is_white(tmp_path: Path) -> None:
    garment = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    garment.putpixel((1, 0), (10, 20, 30, 255))
    read = over_white(read_picture(saved(garment, tmp_path / "garment.png"), "garment"))
    assert read.mode == "RGB"
    assert [read.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (10, 20, 30)]


def test_a_palettes_transparent_colour_is_transparent(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1), 1)
    picture.putpalette([9, 9, 9, 200, 100, 50])
    picture.putpixel((0, 0), 0)
    read = over_white(read_picture(saved(picture, tmp_path / "garment.gif", transparency=0), "garment"))
    assert [read.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (200, 100, 50)]


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    read = read_picture(saved(Image.fromarray(levels), tmp_path / "mask.png"), "mask")
    assert read.mode == "L"
    assert array(read).tolist() == [[0, 1, 128, 255]]


@pytest.mark.parametrize(("mode", "read_as"), [("1", "L"), ("L", "L"), ("LA", "RGBA"), ("CMYK", "RGB"), ("P", "RGB")])
def test_every_mode_is_read_as_one_the_pipeline_knows(tmp_path: Path, mode: str, read_as: str) -> None:
    picture = Image.new("RGB", (8, 8), "white").convert(mode)
    read = read_picture(saved(picture, tmp_path / "picture.tiff"), "person")
    assert read.mode == read_as
    assert over_white(read).getpixel((4, 4)) == (255, 255, 255)


def test_an_animation_is_its_first_picture(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    file = saved(frames[0], tmp_path / "garment.gif", save_all=True, append_images=frames[1:])
    assert read_picture(file, "garment").getpixel((0, 0)) == (255, 0, 0)


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    noise(64, 64).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        encoded("PNG")[:2000],
        encoded("JPEG")[:1000],
        encoded("WEBP")[:500],
        encoded("PPM"),
        encoded("EPS"),
    ],
    ids=["empty", "text", "half a PNG", "half a JPEG", "half a WebP", "PPM", "EPS"],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "upper"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_picture(file, "garments.upper")
    assert (caught.value.code, caught.value.field) == ("image_unreadable", "garments.upper")


def test_all_of_a_requests_pictures_are_read(tmp_path: Path) -> None:
    pictures = {
        "person": noise(30, 40),
        "garments.upper": Image.new("RGBA", (8, 8)),
        "garments.lower": Image.new("RGB", (4, 6), "red"),
        "mask": rectangle(15, 20, (0, 0, 9, 9)),
    }
    files = {name: saved(picture, tmp_path / f"{name}.png") for name, picture in pictures.items()}
    request = Request(person="p", garments=Garments(upper="u", lower="l"), mask="m", garments_canvas="black")
    inputs = read_inputs(request, files)
    assert inputs.mask is not None
    assert (inputs.photo.size, inputs.mask.size, inputs.garments[0].size) == ((30, 40), (30, 40), (8, 14))
    assert [inputs.garments[0].getpixel((x, y)) for x, y in ((0, 0), (3, 8), (4, 8))] == [
        (255,) * 3,
        (255, 0, 0),
        (0,) * 3,
    ]


def test_what_phones_send_is_read() -> None:
    picture = read_picture(DATA.parent / "gradient.heic", "person")
    assert (picture.mode, picture.size) == ("RGB", (64, 48))
    assert array(picture)[0].mean() < array(picture)[-1].mean()
