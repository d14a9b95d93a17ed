"""Masks as painting programs and networks write them: understood, or refused in a sentence that says what was seen."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.conftest import encode
from tests.serve.test_pictures import MASK, PAINT, PERSON, pictures, refused, result
from tests.server import Server


@pytest.fixture(scope="module")
def plain(server: Server) -> np.ndarray:
    """What comes of the sample as it is."""
    return result(server)


def strokes(colour: tuple[int, int, int], beneath: tuple[int, int, int] = (0, 0, 0), opacity: int = 255) -> bytes:
    """The mask as strokes on a transparent canvas."""
    pixels = np.full((*PAINT.shape, 4), (*beneath, 0), np.uint8)
    pixels[PAINT] = (*colour, opacity)
    return encode(Image.fromarray(pixels))


MEANT = {
    "white strokes on transparent white": strokes((255, 255, 255), beneath=(255, 255, 255)),
    "red strokes on transparent": strokes((255, 0, 0)),
    "blue strokes on transparent": strokes((20, 40, 230)),
    "green strokes on black": encode(Image.fromarray(np.where(PAINT[..., None], (0, 200, 0), 0).astype(np.uint8))),
    "one bit": encode(MASK.convert("1")),
    "sixteen bits": encode(Image.fromarray((PAINT * 65535).astype(np.uint16))),
    "palette": encode(MASK.convert("P")),
    "half transparent strokes": strokes((255, 255, 255), opacity=128),
    "dark red of a label map": encode(Image.fromarray((PAINT[..., None] * (128, 0, 0)).astype(np.uint8))),
    "white on dark blue": encode(Image.fromarray(np.where(PAINT[..., None], 255, (0, 0, 60)).astype(np.uint8))),
    "grey and alpha": encode(Image.merge("LA", [MASK.convert("L"), MASK.convert("L")])),
    "JPEG": encode(MASK, "JPEG", quality=100),
}


@pytest.mark.parametrize("name", MEANT)
def test_a_mask_that_can_only_mean_one_thing_means_it(name: str, server: Server, plain: np.ndarray) -> None:
    seen = pictures(server, mask=MEANT[name], return_mask=True)
    assert (np.asarray(seen["mask.png"].convert("L")) >= 128).tolist() == PAINT.tolist()
    assert (np.asarray(seen["result.png"]) == plain).all()


def test_transparent_keeps_where_black_is_painted_too(server: Server, plain: np.ndarray) -> None:
    pixels = np.zeros((*PAINT.shape, 4), np.uint8)
    pixels[PAINT, 3] = 255
    seen = result(server, mask=encode(Image.fromarray(pixels)), mask_polarity="black_repaints")
    assert (seen == plain).all()


def photo_with_a_hole() -> bytes:
    cut = PERSON.convert("RGBA")
    cut.putalpha(Image.fromarray(np.where(PAINT, 0, 255).astype(np.uint8)))
    return encode(cut)


def on_white(colour: tuple[int, int, int]) -> bytes:
    return encode(Image.fromarray(np.where(PAINT[..., None], colour, 255).astype(np.uint8)))


REFUSED_MASKS = {
    "a photo with a hole": (photo_with_a_hole(), "a colour photo with transparent parts, not a mask"),
    "a photo": (encode(PERSON), "a colour photo, not a mask"),
    "a grey photo": (encode(PERSON.convert("L")), "a grey photo, not a mask"),
    "0 and 1": (encode(Image.fromarray(PAINT.astype(np.uint8))), "values 0 to 1, expected 0 to 255"),
    "labels": (encode(Image.fromarray(PAINT * np.uint8(19))), "values 0 to 19, expected 0 to 255"),
    "faint strokes": (strokes((90, 90, 90)), "values 0 to 90, expected 0 to 255"),
    "red strokes on white": (on_white((255, 0, 0)), "coloured strokes on white"),
    "0 and 1 in sixteen bits": (encode(Image.fromarray(PAINT.astype(np.uint16))), "values 0 to 1, expected 0 to 65535"),
    "0 and 255 in sixteen bits": (
        encode(Image.fromarray(PAINT * np.uint16(255))),
        "values 0 to 255, expected 0 to 65535",
    ),
    "white on grey": (encode(Image.fromarray(np.where(PAINT, 255, 128).astype(np.uint8))), "values 128 to 255"),
    "dark red strokes on white": (on_white((110, 0, 0)), "coloured strokes on white"),
    "white strokes on yellow": (
        encode(Image.fromarray(np.where(PAINT[..., None], 255, (255, 220, 0)).astype(np.uint8))),
        "white strokes on a coloured ground",
    ),
    "many labels": (
        encode(Image.fromarray((np.indices(PAINT.shape)[0] // 10 * 15).clip(0, 255).astype(np.uint8))),
        "a grey photo, not a mask",
    ),
    "lying on its side": (encode(MASK.transpose(Image.Transpose.ROTATE_90)), "it seems to lie on its side"),
    "mid-tones": (encode(Image.radial_gradient("L").resize(MASK.size)), "a grey photo, not a mask"),
}


@pytest.mark.parametrize("name", REFUSED_MASKS)
def test_what_is_no_mask_is_told_what_was_seen(name: str, server: Server) -> None:
    content, sentence = REFUSED_MASKS[name]
    assert sentence in refused(server, "bad_mask", "mask", mask=content)


EMPTY_MASKS = {
    "black strokes": (strokes((0, 0, 0)), "white_repaints", "black wherever it is not transparent: make it white"),
    "white strokes": (
        strokes((255, 255, 255)),
        "black_repaints",
        "white wherever it is not transparent: make it black",
    ),
    "no strokes": (
        encode(Image.new("RGBA", MASK.size, (255, 255, 255, 0))),
        "white_repaints",
        "transparent everywhere",
    ),
    "black": (encode(Image.new("L", MASK.size)), "white_repaints", "black everywhere"),
    "white": (encode(Image.new("RGB", MASK.size, "white")), "black_repaints", "white everywhere"),
}


@pytest.mark.parametrize("name", EMPTY_MASKS)
def test_a_mask_that_paints_nothing_is_told_why(name: str, server: Server) -> None:
    content, polarity, sentence = EMPTY_MASKS[name]
    assert sentence in refused(server, "mask_empty", "mask", mask=content, mask_polarity=polarity)
