"""Odd pictures through the whole service: each is dressed like its plain copy, or refused in one sentence."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from model.samples.samples import small_sample
from model.tryon.repaint import seam_radius
from tests.conftest import base64_of, encode
from tests.odd_pictures import (
    ADOBE,
    P3,
    bare_png,
    before_end,
    chunk,
    exif,
    grey16,
    named,
    orientation,
    with_chunk,
    with_segment,
)
from tests.serve.test_invocations import assert_problem
from tests.server import ROOT, Server

QUICK = {"type": "tryon", "width": 96, "height": 128, "steps": 2, "seed": 1}
PERSON, GARMENT, MASK = (Image.open(small_sample()[name]).convert("RGB") for name in ("person", "garment", "mask"))
PAINT = np.asarray(MASK.convert("L")) >= 128
_SEAM = MASK.convert("L").filter(ImageFilter.GaussianBlur(seam_radius(MASK.height)))
OUTSIDE = np.asarray(_SEAM) == 0  # where every pixel stays the photo's
TWO_MEGABYTES = zlib.compress(b"A" * 2**21)


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def answer(server: Server, **changes: bytes | Any) -> dict[str, Any]:
    """A try-on of the sample with other pictures (bytes) or fields."""
    given = {"person": encode(PERSON), "garment": encode(GARMENT), "mask": encode(MASK)} | changes
    body = {name: base64_of(value) if isinstance(value, bytes) else value for name, value in given.items()}
    response = server.invoke(QUICK | body)
    assert response.status_code == 200, response.text
    said: dict[str, Any] = response.json()
    return said


def pictures(server: Server, **changes: bytes | Any) -> dict[str, Image.Image]:
    outputs = answer(server, **changes)["outputs"]
    return {output["name"]: opened(base64.b64decode(output["data"])) for output in outputs}


def result(server: Server, **changes: bytes | Any) -> np.ndarray:
    return np.asarray(next(iter(pictures(server, **changes).values())).convert("RGB")).astype(int)


def refused(server: Server, code: str, field: str, **changes: bytes | str) -> str:
    body = {"person": encode(PERSON), "garment": encode(GARMENT), "mask": encode(MASK)} | changes
    sent = {name: base64_of(value) if isinstance(value, bytes) else value for name, value in body.items()}
    response = server.invoke(QUICK | sent)
    detail: str = assert_problem(response, 422, code, field)["detail"]
    return detail


@pytest.fixture(scope="module")
def plain(server: Server) -> np.ndarray:
    """What comes of the sample as it is."""
    return result(server)


# -- erased backgrounds --------------------------------------------------------------------------------------------


def erased(hidden: tuple[int, int, int], soft: bool = False) -> Image.Image:
    """The person with a strip of background erased, and what lies under it."""
    pixels = np.dstack([np.asarray(PERSON), np.full(PAINT.shape, 255, np.uint8)])
    pixels[:, :20] = (*hidden, 0)
    if soft:
        pixels[:, 20:24, 3] = 120
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("hidden", [(255, 0, 255), (0, 0, 0), (0, 255, 0)])
def test_colours_that_were_erased_never_come_back(hidden: tuple[int, int, int], kind: str, server: Server) -> None:
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    seen = result(server, person=encode(erased(hidden), kind, **options))
    over_white = Image.new("RGB", PERSON.size, "white")
    over_white.paste(PERSON.crop((20, 0, *PERSON.size)), (20, 0))
    assert (seen == result(server, person=encode(over_white))).all()
    assert (seen[:, :10] == 255).all()


@pytest.mark.parametrize("format", ["png", "webp"])
def test_what_was_erased_may_stay_transparent(format: str, server: Server) -> None:
    photo = erased((255, 0, 255), soft=True)
    output = {"format": format, "keep_alpha": True, "quality": 100}
    (seen,) = pictures(server, person=encode(photo), output=output).values()
    pixels, sent = np.asarray(seen), np.asarray(photo)
    assert seen.mode == "RGBA"
    assert (pixels[..., 3] == sent[..., 3]).all()
    if format == "png":
        assert (pixels[OUTSIDE & (sent[..., 3] > 0)] == sent[OUTSIDE & (sent[..., 3] > 0)]).all()
        assert (pixels[OUTSIDE & (sent[..., 3] == 0)] == [255, 255, 255, 0]).all()


@pytest.mark.parametrize(("changes"), [{"output": {"format": "jpeg", "keep_alpha": True}}, {"repaint": False}])
def test_alpha_that_cannot_be_kept_is_refused(changes: dict[str, Any], server: Server) -> None:
    body = {"person": base64_of(encode(PERSON)), "garment": base64_of(encode(GARMENT))}
    response = server.invoke(QUICK | body | {"output": {"keep_alpha": True}} | changes)
    assert "keep_alpha" in assert_problem(response, 422, "invalid_field")["detail"]


def test_an_opaque_alpha_changes_nothing(server: Server, plain: np.ndarray) -> None:
    assert (result(server, person=encode(PERSON.convert("RGBA"))) == plain).all()


def grey_garment() -> tuple[np.ndarray, Image.Image]:
    """Sixteen bits with a transparent level above, and the same laid over white."""
    levels = np.asarray(GARMENT.convert("L")).astype(np.uint16) * 257
    levels[:30] = 12345
    shown = (levels / 257).round().astype(np.uint8)
    shown[:30] = 255
    return levels, Image.fromarray(shown)


def test_a_grey_garment_of_sixteen_bits_with_a_transparent_level(server: Server) -> None:
    levels, shown = grey_garment()
    seen = result(server, garment=grey16(levels, 12345))
    assert (seen == result(server, garment=encode(shown.convert("RGB")))).all()


def test_a_palette_garment_with_a_transparent_entry(server: Server) -> None:
    garment = np.arange(96 * 128).reshape(128, 96) // 400 % 4
    colours = np.array([[255, 0, 255], [200, 40, 60], [30, 60, 200], [250, 250, 240]], np.uint8)
    rows = [row.astype(np.uint8).tobytes() for row in garment]
    png = bare_png(96, 128, 8, 3, rows, chunk(b"PLTE", colours.tobytes()), chunk(b"tRNS", b"\0"))
    colours[0] = 255
    assert (result(server, garment=png) == result(server, garment=encode(Image.fromarray(colours[garment])))).all()


# -- colours -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [P3, ADOBE], ids=["P3", "Adobe RGB"])
def test_results_keep_the_photos_pixels_and_its_profile(profile: bytes, server: Server, plain: np.ndarray) -> None:
    (seen,) = pictures(server, person=named(PERSON, profile)).values()
    assert seen.info["icc_profile"] == profile
    pixels, photo = np.asarray(seen).astype(int), np.asarray(PERSON)
    assert OUTSIDE.mean() > 0.3
    assert (pixels[OUTSIDE] == photo[OUTSIDE]).all()
    assert (pixels != plain).any()  # what is painted is converted


def test_a_garment_is_seen_by_its_profile(server: Server, plain: np.ndarray) -> None:
    wide = result(server, garment=named(GARMENT, ADOBE))
    assert np.abs(wide - plain).max() > 2
    with_srgb = named(GARMENT, srgb_profile())
    assert (result(server, garment=with_srgb) == plain).all()


def srgb_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_a_heic_with_code_points_gets_a_profile_that_says_so(server: Server) -> None:
    heic = (ROOT / "tests/data/gradient.heic").read_bytes().replace(b"nclx\0\x01\0\x0d", b"nclx\0\x0c\0\x0d")
    mask = Image.new("L", (64, 48))
    mask.paste(255, (20, 10, 40, 30))
    (seen,) = pictures(server, person=heic, mask=encode(mask)).values()
    assert b"H\0.\0002\0007\0003" in seen.info["icc_profile"]


def test_inks_are_dressed(server: Server) -> None:
    (seen,) = pictures(server, person=encode(PERSON.convert("CMYK"), "JPEG", quality=95)).values()
    assert seen.mode == "RGB"
    assert np.abs(np.asarray(seen).astype(int)[~PAINT] - np.asarray(PERSON)[~PAINT]).mean() < 12


# -- metadata and endings ------------------------------------------------------------------------------------------


PLAIN_PNG = encode(PERSON)
HARMLESS = {
    "iTXt": with_chunk(PLAIN_PNG, b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + TWO_MEGABYTES),
    "zTXt": before_end(PLAIN_PNG, b"zTXt", b"Comment\0\0" + TWO_MEGABYTES),
    "iCCP": with_chunk(PLAIN_PNG, b"iCCP", b"p\0\0" + zlib.compress(b"\0" * 1_572_864)),
    "checksum": with_chunk(PLAIN_PNG, b"tEXt", b"Comment\0hello", damaged=True),
    "checksum of gAMA": with_chunk(PLAIN_PNG, b"gAMA", struct.pack(">I", 100_000), damaged=True),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_metadata_nobody_needs_changes_nothing(name: str, server: Server, plain: np.ndarray) -> None:
    assert (result(server, person=HARMLESS[name]) == plain).all()


@pytest.mark.parametrize(
    "entry",
    [
        (0x011A, 10, 1, struct.pack("<ii", -1, 0)),
        (0x011A, 6, 3, b"\xff\x01\x02"),
        (0x8769, 4, 1, struct.pack("<I", 2**31)),
        (0x010F, 2, 2**30, b"\xff\xff\xff\xff"),
    ],
    ids=["signed rational", "signed byte", "pointer", "length"],
)
def test_a_phones_broken_exif_turns_the_photo_all_the_same(entry: tuple[int, int, int, bytes], server: Server) -> None:
    lying = PERSON.transpose(Image.Transpose.ROTATE_90)
    jpeg = encode(lying, "JPEG", quality=95)
    turned = result(server, person=with_segment(jpeg, 0xE1, exif(orientation(6), entry)))
    upright = opened(jpeg).transpose(Image.Transpose.ROTATE_270)
    assert (turned == result(server, person=encode(upright))).all()


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}], ids=["plain", "progressive", "444"]
)
def test_a_jpeg_without_its_end_marker_is_dressed_with_a_warning(options: dict[str, Any], server: Server) -> None:
    jpeg = encode(PERSON, "JPEG", quality=90, **options)
    said = answer(server, person=jpeg[:-2])
    assert [warning["code"] for warning in said["warnings"]] == ["picture_without_end"]
    assert "person" in said["warnings"][0]["message"]
    whole = answer(server, person=jpeg)
    assert whole["warnings"] == []
    assert whole["outputs"][0]["sha256"] == said["outputs"][0]["sha256"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_cut_says_where_it_ends(kind: str, server: Server) -> None:
    content = encode(PERSON.resize((192, 256)), kind)
    detail = refused(server, "image_unreadable", "person", person=content[: len(content) // 2])
    assert "ends early at" in detail
    assert 30 < int(detail.split(" %")[0].split()[-1]) < 60
