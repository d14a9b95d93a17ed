"""Metadata that nobody needs never fails a picture, and a file that ends early says where."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.errors import InputError
from model.pictures.bare import orientation_in
from model.pictures.reading import read_picture
from tests.conftest import encode
from tests.model.tryon.drawing import array, noise
from tests.odd_pictures import bare_png, before_end, chunk, exif, grey16, orientation, with_chunk, with_segment
from tests.server import ROOT

PICTURE = Image.linear_gradient("L").resize((40, 96)).convert("RGB")
PNG, JPEG = encode(PICTURE), encode(PICTURE, "JPEG", quality=95)
TWO_MEGABYTES = zlib.compress(b"A" * 2**21)


def read(content: bytes, folder: Path, warnings: list[str] | None = None) -> Image.Image:
    (folder / "picture").write_bytes(content)
    heard = [] if warnings is None else warnings
    return read_picture(folder / "picture", "person", lambda code, message: heard.append(code))


@pytest.mark.parametrize(
    "content",
    [
        with_chunk(PNG, b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + TWO_MEGABYTES),
        with_chunk(PNG, b"zTXt", b"Comment\0\0" + TWO_MEGABYTES),
        before_end(PNG, b"zTXt", b"Comment\0\0" + TWO_MEGABYTES),
        with_chunk(PNG, b"iCCP", b"p\0\0" + zlib.compress(b"\0" * 1_572_864)),
        with_chunk(PNG, b"tEXt", b"Comment\0hello", damaged=True),
        with_chunk(PNG, b"tRNS", b"\0\0\0\0\0\0", damaged=True),
        with_chunk(PNG, b"iCCP", b"p\0\0not compressed"),
        with_chunk(PNG, b"eXIf", b"II*\0\xff\xff\xff\xff"),
        with_chunk(PNG, b"acTL", b"\0\0\0\0\0\0\0\0"),
        PNG + b"what comes after the end",
    ],
    ids=["iTXt", "zTXt", "zTXt at the end", "iCCP", "crc", "crc of tRNS", "iCCP as is", "eXIf", "acTL", "tail"],
)
def test_ancillary_chunks_do_no_harm(content: bytes, tmp_path: Path) -> None:
    assert (array(read(content, tmp_path)) == array(PICTURE)).all()


@pytest.mark.parametrize(
    "content",
    [
        with_segment(JPEG, 0xE1, exif((0x011A, 10, 1, struct.pack("<ii", -1, 0)))),
        with_segment(JPEG, 0xE1, exif((0x011A, 6, 3, b"\xff\x01\x02"))),
        with_segment(JPEG, 0xE1, b"Exif\0\0II*\0\xff\xff\xff\x7f"),
        with_segment(JPEG, 0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"),
        JPEG[:2] + b"\xff" * 7 + JPEG[2:],  # fill bytes, which T.81 allows
        with_segment(JPEG[:2] + b"stray\0" + JPEG[2:], 0xFE, b"a comment"),
        with_segment(JPEG, 0xE2, b"MPF\0II*\0\x08\0\0\0\x09\0"),
        with_segment(JPEG, 0xE2, b"ICC_PROFILE\0\x01\x02half of one"),
        with_segment(JPEG, 0xED, b"Photoshop 3.0\x008BIM\x04\x04\xff"),
        with_segment(JPEG, 0xFE, b"\xff\xd9" * 30_000),
    ],
    ids=[
        "rational",
        "bytes",
        "offset",
        "count",
        "fill bytes",
        "stray bytes",
        "MPF",
        "half a profile",
        "Photoshop",
        "comment",
    ],
)
def test_segments_before_the_pixels_do_no_harm(content: bytes, tmp_path: Path) -> None:
    assert (array(read(content, tmp_path)) == array(read(JPEG, tmp_path))).all()


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_orientation_is_read_beside_broken_entries(kind: str, number: int, tmp_path: Path) -> None:
    block = exif(orientation(number), (0x011A, 10, 1, struct.pack("<ii", -1, 0)), (0x9286, 99, 2**31, b"????"))
    stored = encode(noise(24, 16, seed=number), kind, exif=block, **({} if kind == "PNG" else {"quality": 95}))
    plain = array(read(encode(noise(24, 16, seed=number), kind), tmp_path)).astype(int)
    turned = {
        1: plain,
        2: plain[:, ::-1],
        3: plain[::-1, ::-1],
        4: plain[::-1],
        5: plain.transpose(1, 0, 2),
        6: plain[::-1].transpose(1, 0, 2),
        7: plain[::-1, ::-1].transpose(1, 0, 2),
        8: plain[:, ::-1].transpose(1, 0, 2),
    }[number]
    seen = array(read(stored, tmp_path)).astype(int)
    assert seen.shape == turned.shape
    assert np.abs(seen - turned).mean() < (0.1 if kind == "PNG" else 20)


@pytest.mark.parametrize(
    ("block", "number"),
    [
        (exif(orientation(6)), 6),
        (exif(orientation(6))[6:], 6),
        (exif((0x0112, 4, 1, struct.pack("<I", 8))), 8),
        (b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0", 3),
        (exif(orientation(9)), 1),
        (exif((0x0112, 5, 1, b"\0" * 8)), 1),
        (b"", 1),
        (b"Exif\0\0garbage", 1),
    ],
)
def test_what_exif_says_of_the_orientation(block: bytes, number: int) -> None:
    assert orientation_in(block) == number


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}], ids=["plain", "progressive", "444"]
)
def test_a_jpeg_without_its_end_is_shown_with_a_warning(options: dict[str, object], tmp_path: Path) -> None:
    whole = encode(noise(40, 96), "JPEG", quality=90, **options)
    for cut in (1, 2):
        warnings: list[str] = []
        seen = read(whole[:-cut], tmp_path, warnings)
        assert (array(seen) == array(read(whole, tmp_path))).all()
        assert warnings == ["picture_without_end"]
    warnings.clear()
    read(whole, tmp_path, warnings)
    assert warnings == []


def test_a_png_without_its_end_is_shown_with_a_warning(tmp_path: Path) -> None:
    for cut in (3, 12, 14):
        warnings: list[str] = []
        assert (array(read(PNG[:-cut], tmp_path, warnings)) == array(PICTURE)).all()
        assert warnings == ["picture_without_end"]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {"lossless": True})],
    ids=["JPEG", "progressive", "PNG", "WebP"],
)
def test_a_file_that_is_cut_says_where_it_ends(
    kind: str, options: dict[str, object], share: float, tmp_path: Path
) -> None:
    whole = encode(noise(160, 320), kind, **options)
    with pytest.raises(InputError) as caught:
        read(whole[: int(share * len(whole))], tmp_path)
    assert (caught.value.code, caught.value.field) == ("image_unreadable", "person")
    words = caught.value.message.split()
    assert words[:4] == ["person", "ends", "early", "at"]
    tolerance = 0.2 if "progressive" in options else 0.12
    assert abs(int(words[4]) / 100 - share) < tolerance


def test_a_heic_that_is_cut_says_where_it_ends(tmp_path: Path) -> None:
    whole = (ROOT / "tests/data/gradient.heic").read_bytes()
    with pytest.raises(InputError, match="ends early at 97 %"):
        read(whole[:-10], tmp_path)


# -- transparent levels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_transparent_grey_of_few_bits_is_transparent(depth: int, tmp_path: Path) -> None:
    levels = np.arange(16) % 2**depth
    bits = "".join(f"{level:0{depth}b}" for level in levels)
    row = int(bits, 2).to_bytes(len(bits) // 8, "big")
    seen = read(bare_png(16, 1, depth, 0, [row], chunk(b"tRNS", b"\0\1")), tmp_path)
    assert seen.mode == "RGBA"
    assert (array(seen)[0, :, 3] == np.where(levels == 1, 0, 255)).all()
    assert array(seen)[0, 0].tolist() == [0, 0, 0, 255]


def test_a_transparent_grey_of_sixteen_bits_is_transparent(tmp_path: Path) -> None:
    levels = np.array([[0, 12345, 12346, 65535]])
    seen = array(read(grey16(levels, 12345), tmp_path))[0]
    assert seen[:, 3].tolist() == [255, 0, 255, 255]
    assert seen[:, 0].tolist() == [0, 255, 48, 255]  # what is hidden is white


def test_a_transparent_colour_of_sixteen_bits_is_transparent(tmp_path: Path) -> None:
    colours = np.array([[[0x1234, 0x5678, 0x9ABC], [0, 0, 0]]], ">u2")
    key = struct.pack(">HHH", 0x1234, 0x5678, 0x9ABC)
    seen = array(read(bare_png(2, 1, 16, 2, [colours.tobytes()], chunk(b"tRNS", key)), tmp_path))
    assert seen[0].tolist() == [[255, 255, 255, 0], [0, 0, 0, 255]]


def test_a_palettes_alpha_is_read_and_hides_its_colours(tmp_path: Path) -> None:
    palette = chunk(b"PLTE", bytes([255, 0, 255, 10, 20, 30]))
    seen = array(read(bare_png(2, 1, 8, 3, [b"\0\1"], palette, chunk(b"tRNS", b"\0\x80")), tmp_path))
    assert seen[0].tolist() == [[255, 255, 255, 0], [10, 20, 30, 128]]
