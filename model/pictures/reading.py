"""Opening the client's pictures: upright, in eight bits, in a mode and a colour space the pipelines know."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pi_heif import register_heif_opener
from PIL import Image

from model.codes import CommonCode
from model.errors import InputError
from model.pictures import jpeg, png
from model.pictures.alpha import alpha_without, with_alpha, without_hidden
from model.pictures.bare import Bare, orientation_in, upright
from model.pictures.colour import profile_of, srgb, usable
from model.pictures.ending import EndsEarlyError, share_of_file
from model.pictures.nclx import nclx_profile, with_known_code_points

# Pillow can open much else, some of it by starting other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "HEIF", "BMP", "GIF", "TIFF")

register_heif_opener()  # what phones send

_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")

Warn = Callable[[str, str], None]  # code, message


def unheard(code: str, message: str) -> None:
    """A warning that nobody is told."""


def read_picture(file: Path, field: str, warn: Warn = unheard) -> Image.Image:
    """The picture as its author sees it, of mode L, RGB, or RGBA if it has an alpha channel.

    An RGB or RGBA picture whose colours are not sRGB has the profile that says so as `info["icc_profile"]`; CMYK and
    grey ones have been brought to sRGB by theirs. Wholly transparent pixels are white. No other metadata is kept,
    but for `info["sixteen_bits"]`: the lowest and highest level of a grey picture that had sixteen bits.

    Args:
        field: of the request, for messages.
        warn: told with `picture_without_end` when the file's last bytes are missing, but no pixels.

    Raises:
        InputError: `image_unreadable`, naming `field`.
    """
    try:
        bare = _bare(file.read_bytes())
        picture, bare = _decoded(bare)
        if bare.whole_without_end:
            warn("picture_without_end", f"{field} lacks its end: its pixels are there, its last bytes are not")
        return _one_way(upright(picture, bare.orientation), bare)
    except EndsEarlyError as error:
        message = f"{field} ends early at {int(100 * error.share)} %: send the whole file"
        raise InputError(message, code=CommonCode.IMAGE_UNREADABLE, field=field) from error
    except Exception as error:  # decoders raise whatever broken bytes lead them to
        message = f"{field} cannot be read as a picture: it is damaged, or of no kind that is read here"
        raise InputError(message, code=CommonCode.IMAGE_UNREADABLE, field=field) from error


def _bare(content: bytes) -> Bare:
    if content.startswith(png.SIGNATURE):
        return png.bare_png(content)
    if content.startswith(jpeg.SIGNATURE):
        return jpeg.bare_jpeg(content)
    return Bare(with_known_code_points(content) if content[4:8] == b"ftyp" else content)


def _decoded(bare: Bare) -> tuple[Image.Image, Bare]:
    """The pixels, and what is known of them by now."""
    try:
        picture = _loaded(bare.content)
    except Exception:
        if bare.content.startswith(jpeg.SIGNATURE[:2]):
            return _loaded(jpeg.with_end(bare.content)), Bare(b"", bare.profile, bare.orientation, None, True)
        if (share := share_of_file(bare.content)) < 1:
            raise EndsEarlyError(share) from None
        raise
    if picture.format in ("PNG", "JPEG"):
        return picture, bare
    return picture, Bare(b"", _profile(picture), orientation_in(picture.info.get("exif") or b""))


def _loaded(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        opened.load()
        return opened


def _profile(picture: Image.Image) -> bytes | None:
    """Of a format that was not taken apart: its ICC profile, or what a HEIC file says in its stead."""
    if nclx := picture.info.get("nclx_profile"):
        return profile_of(picture) or nclx_profile(nclx["color_primaries"], nclx["transfer_characteristics"])
    return profile_of(picture)


def _one_way(picture: Image.Image, bare: Bare) -> Image.Image:
    """Modes, alpha and colours as `read_picture` promises them."""
    read = _in_srgb_or_rgb(_eight_bits(picture), bare.profile)
    if bare.transparent is not None:
        read = with_alpha(read, alpha_without(picture, bare.transparent))
    if read.mode == "RGBA":
        read = without_hidden(read)
    profile = usable(bare.profile, "RGB")
    if profile is not None and read.mode == "L":
        read = read.convert("RGB")
    read.info = {} if profile is None else {"icc_profile": profile}
    if picture.mode in _SIXTEEN_BITS:
        levels = np.asarray(picture)
        read.info["sixteen_bits"] = (int(levels.min()), int(levels.max()))
    return read


def _eight_bits(picture: Image.Image) -> Image.Image:
    """L, RGB, RGBA or CMYK."""
    if picture.mode in _SIXTEEN_BITS:
        levels = np.asarray(picture, dtype=np.float64).clip(0, 65535) / 257
        return Image.fromarray(levels.round().astype(np.uint8))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    return picture if picture.mode == "CMYK" else picture.convert("RGB")


def _in_srgb_or_rgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Without inks, and without a grey profile, which results in colour could not carry."""
    if picture.mode == "CMYK":
        return srgb(_with_profile(picture, profile)).convert("RGB")
    if usable(profile, "L") is None:
        return picture
    grey = srgb(_with_profile(picture.convert("L"), profile))
    return with_alpha(grey, np.asarray(picture.getchannel("A"))) if picture.mode == "RGBA" else grey


def _with_profile(picture: Image.Image, profile: bytes | None) -> Image.Image:
    named = picture.copy()
    named.info = {} if profile is None else {"icc_profile": profile}
    return named
