"""Colours by profile: what networks see is sRGB, what is pasted back looks right through the photo's own."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from model.pictures.colour import in_space, srgb, usable
from model.pictures.nclx import nclx_profile
from model.pictures.reading import read_picture
from model.tryon.pictures import picture_of, tryon_tensors
from model.tryon.repaint import paste_back
from tests.conftest import encode
from tests.model.tryon.drawing import array, noise, rectangle
from tests.odd_pictures import ADOBE, P3, PROPHOTO, named, with_chunk
from tests.server import ROOT

RED = (200, 40, 60)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def read(content: bytes, folder: Path) -> Image.Image:
    (folder / "picture").write_bytes(content)
    return read_picture(folder / "picture", "person")


@pytest.mark.parametrize("profile", [P3, ADOBE, PROPHOTO], ids=["P3", "Adobe RGB", "ProPhoto"])
def test_a_garment_that_is_only_copied_looks_the_same_on_a_person_of_any_space(profile: bytes, tmp_path: Path) -> None:
    person = read(named(noise(192, 256), profile), tmp_path)
    mask, garment = rectangle(192, 256, (40, 40, 150, 200)), Image.new("RGB", (96, 128), RED)
    copied = picture_of(tryon_tensors(person, garment, mask, (96, 128)).garment[0])
    pasted = paste_back(person, copied, mask, 10**9)
    assert pasted.getpixel((95, 120)) != RED
    assert np.abs(array(srgb(pasted))[120, 95].astype(int) - RED).max() <= 3
    assert (array(pasted)[:20] == array(person)[:20]).all()
    assert pasted.info["icc_profile"] == profile


def test_networks_see_srgb_whatever_the_persons_space(tmp_path: Path) -> None:
    grey = Image.new("L", (96, 128))
    for profile in (P3, ADOBE, PROPHOTO):
        stored = in_space(Image.new("RGB", (96, 128), RED), profile)
        person = read(named(stored, profile), tmp_path)
        mask = rectangle(96, 128, (10, 10, 40, 40))
        seen = picture_of(tryon_tensors(person, grey.convert("RGB"), mask, (96, 128)).person[0])
        assert np.abs(array(seen).astype(int) - RED).max() <= 3


def test_pixels_of_srgb_pictures_are_not_touched(tmp_path: Path) -> None:
    picture = noise(40, 30)
    for content in (encode(picture), named(picture, SRGB)):
        opened = read(content, tmp_path)
        assert srgb(opened) is opened
        assert (array(opened) == array(picture)).all()
    assert opened.info["icc_profile"] == SRGB
    assert in_space(picture, SRGB) is picture
    assert in_space(picture, None) is picture


def test_code_points_nobody_knows_are_as_none(tmp_path: Path) -> None:
    heic = (ROOT / "tests/data/gradient.heic").read_bytes()
    plain = read(heic, tmp_path)
    for numbers in (b"\0\xc8\0\xc8\0\x06", b"\0\0\0\0\0\x06", b"\xff\xff\0\x0d\0\x06"):
        odd = read(heic.replace(b"nclx\0\1\0\x0d\0\6", b"nclx" + numbers), tmp_path)
        assert (array(odd) == array(plain)).all()
        assert odd.info == {}


@pytest.mark.parametrize("primaries", [12, 9], ids=["Display P3", "BT.2020"])
def test_code_points_become_a_profile(primaries: int) -> None:
    profile = nclx_profile(primaries, 13)
    assert usable(profile, "RGB") == profile
    colours = Image.fromarray(np.array([[[255] * 3, [128] * 3, [0] * 3, [0, 200, 0]]], np.uint8))
    colours.info["icc_profile"] = profile
    seen = array(srgb(colours))[0]
    assert np.abs(seen[:3].astype(int) - [(255,) * 3, (128,) * 3, (0,) * 3]).max() <= 1
    assert seen[3, 1] > 200  # a greener green
    assert seen[3, 0] == 0


@pytest.mark.parametrize("primaries", [4, 5, 6, 7, 8, 11, 22])
def test_rarer_code_points_are_near_srgb_and_white_stays_white(primaries: int) -> None:
    colours = Image.fromarray(np.array([[[255] * 3, [0] * 3, [180, 60, 70]]], np.uint8))
    colours.info["icc_profile"] = nclx_profile(primaries, 13)
    seen = array(srgb(colours))[0].astype(int)
    assert np.abs(seen[:2] - [(255,) * 3, (0,) * 3]).max() <= 1
    assert 0 < np.abs(seen[2] - (180, 60, 70)).max() < 40


def test_srgbs_own_and_unknown_code_points_are_no_profile() -> None:
    assert [nclx_profile(primaries, 13) for primaries in (1, 2, 77)] == [None] * 3


def test_display_p3_is_apples() -> None:
    """Red of sRGB in Display P3, as in the CSS Color Module, level 4: color(display-p3 .9175 .2003 .1386)."""
    red = in_space(Image.new("RGB", (1, 1), (255, 0, 0)), nclx_profile(12, 13))
    assert np.abs(array(red)[0, 0].astype(int) - (234, 51, 35)).max() <= 1


def test_what_a_heic_says_of_its_colours_is_read(tmp_path: Path) -> None:
    content = (ROOT / "tests/data/gradient.heic").read_bytes()
    assert "icc_profile" not in read(content, tmp_path).info
    wide = content.replace(b"nclx\0\x01\0\x0d", b"nclx\0\x0c\0\x0d")
    assert read(wide, tmp_path).info["icc_profile"] == nclx_profile(12, 13)


def test_a_pngs_code_points_win_over_its_profile(tmp_path: Path) -> None:
    png = with_chunk(named(noise(8, 8), ADOBE), b"cICP", bytes([12, 13, 0, 1]))
    assert read(png, tmp_path).info["icc_profile"] == nclx_profile(12, 13)


def test_inks_go_through_their_profile(tmp_path: Path) -> None:
    """A profile that says 100 % cyan is red must make cyan ink red."""
    lattice = np.array([[255 * (1 - (i >> ink & 1)) for ink in range(3)] for i in range(16)])
    inks = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    profile = cmyk_profile(lattice)
    plain = read(encode(inks, "JPEG", quality=95), tmp_path)
    seen = read(encode(inks, "JPEG", quality=95, icc_profile=profile), tmp_path)
    assert plain.mode == seen.mode == "RGB"
    assert plain.getpixel((8, 8))[0] < 20  # type: ignore[index]
    assert seen.getpixel((8, 8))[0] > 150  # type: ignore[index]
    assert "icc_profile" not in seen.info


def cmyk_profile(lattice: np.ndarray) -> bytes:
    """An output profile (ICC v2) of one table: two points an ink, to Lab, where cyan is red."""
    table = bytearray()
    for i in range(16):
        cyan, rest = i >> 3 & 1, i & 7
        lab = (140, 190, 170) if cyan and not rest else (20, 128, 128) if rest else (255, 128, 128)
        table += bytes(lab)
    identity = bytes(range(256))
    matrix = b"".join((65536 if i in (0, 4, 8) else 0).to_bytes(4, "big") for i in range(9))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + bytes(table) + identity * 3
    text = b"desc\0\0\0\0" + (5).to_bytes(4, "big") + b"inks\0" + b"\0" * 78
    white = b"XYZ \0\0\0\0" + b"".join(int(v * 65536).to_bytes(4, "big") for v in (0.9642, 1.0, 0.8249))
    tags = {b"A2B0": lut, b"desc": text, b"wtpt": white, b"cprt": b"text\0\0\0\0CC0\0"}
    start, directory, body = 128 + 4 + 12 * len(tags), len(tags).to_bytes(4, "big"), b""
    for tag, data in tags.items():
        padded = data + b"\0" * (-len(data) % 4)
        directory += tag + (start + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += padded
    header = (start + len(body)).to_bytes(4, "big") + b"\0" * 4 + b"\x02\x40\0\0prtrCMYKLab " + b"\0" * 12 + b"acsp"
    return header.ljust(68, b"\0") + white[8:] + b"\0" * 48 + directory + body


def test_grey_goes_through_its_profile_and_stays_grey(tmp_path: Path) -> None:
    grey = Image.new("L", (8, 8), 128)
    profile = grey_profile(1.0)
    seen = read(encode(grey, icc_profile=profile), tmp_path)
    assert seen.mode == "L"
    assert seen.getpixel((4, 4)) == 188  # half the light, in sRGB
    assert "icc_profile" not in seen.info


def grey_profile(gamma: float) -> bytes:
    """A display profile (ICC v2) of grey with one gamma."""
    curve = b"curv\0\0\0\0\0\0\0\x01" + int(gamma * 256).to_bytes(2, "big") + b"\0\0"
    text = b"desc\0\0\0\0" + (5).to_bytes(4, "big") + b"grey\0" + b"\0" * 79
    white = b"XYZ \0\0\0\0" + b"".join(int(v * 65536).to_bytes(4, "big") for v in (0.9642, 1.0, 0.8249))
    tags = {b"desc": text, b"wtpt": white, b"kTRC": curve, b"cprt": b"text\0\0\0\0CC0\0"}
    start, directory, body = 128 + 4 + 12 * len(tags), len(tags).to_bytes(4, "big"), b""
    for tag, data in tags.items():
        directory += tag + (start + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data + b"\0" * (-len(data) % 4)
    header = (start + len(body)).to_bytes(4, "big") + b"\0" * 4 + b"\x02\x40\0\0mntrGRAYXYZ " + b"\0" * 12 + b"acsp"
    return header.ljust(68, b"\0") + white[8:] + b"\0" * 48 + directory + body


@pytest.mark.parametrize("profile", [b"", b"junk" * 100, P3[:300], P3[:200] + b"\xff" * 200])
def test_a_profile_nobody_can_read_is_as_none(profile: bytes, tmp_path: Path) -> None:
    picture = noise(8, 8)
    opened = read(encode(picture, icc_profile=profile) if profile else encode(picture), tmp_path)
    assert (array(srgb(opened)) == array(picture)).all()


def test_a_profile_beyond_its_limit_is_as_none(tmp_path: Path) -> None:
    png = encode(noise(8, 8))
    for size, kept in ((2**22 - len(P3), True), (2**22 - len(P3) + 1, False)):
        padded = P3 + b"\0" * size
        data = b"wide\0\0" + zlib.compress(padded)
        assert ("icc_profile" in read(with_chunk(png, b"iCCP", data), tmp_path).info) is kept
