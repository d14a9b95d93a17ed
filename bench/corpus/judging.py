"""Whether a file was read right, and whether the service answered it right."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bench.corpus.odd_file import LOSSLESS, OddFile, encoded
from model.errors import InputError
from model.pictures.reading import read_picture
from model.tryon.repaint import seam_radius
from serve.errors import Problem
from serve.fetch import check_picture

REFUSALS = ("unsupported_picture", "image_unreadable", "too_many_pixels")
_MOST_PIXELS = 50 * 10**6
_MOST_BYTES = 2000  # of a problem

Levels = NDArray[np.int16]


def read(odd: OddFile, folder: Path) -> Levels | None:
    """The pixels a worker would see, (H, W, 3 or 4); None: it is refused in one sentence."""
    file = folder / "odd"
    file.write_bytes(odd.content)
    try:
        check_picture("person", file, _MOST_PIXELS)
        picture = read_picture(file, "person")
    except (InputError, Problem):
        return None
    return np.asarray(picture if picture.mode == "RGBA" else picture.convert("RGB")).astype(np.int16)


def wrong_reading(odd: OddFile, seen: Levels | None) -> str | None:
    """What is wrong with how a file was read, if anything."""
    if seen is None:
        return "refused" if odd.whole and odd.shown is not None else None
    if odd.shown is None:
        return None
    if seen.shape[:2] != odd.shown.shape[:2]:
        return f"{seen.shape[1]} x {seen.shape[0]} pixels, not {odd.shown.shape[1]} x {odd.shown.shape[0]}"
    difference = np.abs(with_alpha(seen) - with_alpha(odd.shown.astype(np.int16)))
    off = float(difference.max() if odd.levels == LOSSLESS else difference.mean())
    return f"{off:.1f} levels off" if off > odd.levels else None


def with_alpha(pixels: Levels) -> Levels:
    if pixels.shape[2] == 4:
        return pixels
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.int16)])


def request(odd: OddFile, person: bytes, garment: bytes, *, as_person: bool) -> dict[str, Any]:
    """A small try-on with the file in it."""
    size = odd.shown.shape[1::-1] if as_person and odd.shown is not None else Image.open(io.BytesIO(person)).size
    pictures = {
        "person": odd.content if as_person else person,
        "garment": garment if as_person else odd.content,
        "mask": encoded(mask_of(*size), "PNG"),
    }
    small = {"type": "tryon", "width": 64, "height": 64, "steps": 1, "seed": 1}
    return {name: base64.b64encode(content).decode() or "=" for name, content in pictures.items()} | small


def mask_of(width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width, height))
    mask.paste(255, (width // 3, height // 3, width // 2 + 1, height // 2 + 1))
    return mask


def wrong_answer(odd: OddFile, response: httpx.Response, *, as_person: bool) -> str | None:
    """What is wrong with the service's answer, if anything."""
    if response.status_code == httpx.codes.OK:
        if as_person and odd.shown is not None:
            return wrong_result(odd, base64.b64decode(response.json()["outputs"][0]["data"]))
        return None
    if response.status_code >= 500 or len(response.content) > _MOST_BYTES:
        return f"HTTP {response.status_code}: {response.text[:200]}"
    problem = response.json()
    field = "person" if as_person else "garment"
    if problem["field"] != field or problem["code"] not in REFUSALS:
        # A mask of another aspect belongs to a file of which nobody knows what it shows.
        return None if as_person and odd.shown is None and problem["code"] == "bad_mask" else str(problem)
    return f"refused: {problem['detail']}" if odd.whole and odd.shown is not None else None


def wrong_result(odd: OddFile, content: bytes) -> str | None:
    """Where nothing was painted, the result is the photo, its transparent parts white."""
    result = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(np.int16)
    assert odd.shown is not None
    over_white = Image.new("RGBA", odd.shown.shape[1::-1], "white")
    over_white.alpha_composite(Image.fromarray(odd.shown).convert("RGBA"))
    seen = np.asarray(over_white.convert("RGB")).astype(np.int16)
    if result.shape != seen.shape:
        return f"a result of {result.shape[1]} x {result.shape[0]} pixels"
    # The seam follows the height of the part that was painted, which may reach beyond a wide photo.
    seam = ImageFilter.GaussianBlur(seam_radius(2 * max(seen.shape)))
    blurred = mask_of(*seen.shape[1::-1]).filter(seam)
    outside = np.abs(result - seen)[np.asarray(blurred) == 0]
    off = float(outside.max() if odd.levels == LOSSLESS else outside.mean())
    return f"a result {off:.1f} levels off" if off > odd.levels else None


Kind = Callable[[np.random.Generator], OddFile]
