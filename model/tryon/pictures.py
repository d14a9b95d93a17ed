"""From photos to what the networks see. Geometry and rounding are the published code's, to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from PIL.Image import Resampling
from torch import Tensor

from model.errors import InputError
from model.pictures.colour import srgb
from model.tryon.codes import TryOnCode

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
HALF_WHITE = 128  # of a mask: from here on a pixel is painted
MASK_ASPECT_TOLERANCE = 0.01  # by which a mask's aspect may differ from the photo's: a resize rounds

Size = tuple[int, int]  # width, height
Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class TryOnTensors:
    """The tensors of one try-on, on the host."""

    person: Tensor  # (1, 3, H, W) in [-1, 1]
    garment: Tensor  # (1, 3, H, W) in [-1, 1]
    mask: Tensor | None  # (1, 1, H, W), 1 where to paint; None for the mask-free variant


def tryon_tensors(
    person: Image.Image, garment: Image.Image, mask: Image.Image | None, size: Size, box: Box | None = None
) -> TryOnTensors:
    """Bring a photo, its mask (white paints) and a garment to the size the networks work at, and the photo to sRGB.

    Args:
        box: the part of the photo that is shown to them, of the aspect of `size`; None: the centred one.

    Raises:
        InputError: `mask_empty` or `mask_covers_all`.
    """
    return TryOnTensors(
        image_tensor(srgb(crop_resize(person, size, box))),
        image_tensor(pad_resize(garment, size)),
        None if mask is None else part_mask(mask, size, box),
    )


def part_mask(mask: Image.Image, size: Size, box: Box | None) -> Tensor:
    """1 where to paint of the part of the photo that the networks see, (1, 1, H, W), or `InputError`."""
    painted = mask_tensor(crop_resize(mask, size, box))
    if not painted.any():
        raise InputError("the mask is empty where the person was cropped", code=TryOnCode.MASK_EMPTY, field="mask")
    if painted.all():
        raise InputError("the mask leaves nothing of the person", code=TryOnCode.MASK_COVERS_ALL, field="mask")
    return painted


def crop_box(size: Size, target: Size) -> Box:
    """The largest centred box of `target`'s aspect inside a picture of `size`."""
    (w, h), (target_w, target_h) = size, target
    if w / h < target_w / target_h:
        new_w, new_h = w, max(1, w * target_h // target_w)
    else:
        new_w, new_h = max(1, h * target_w // target_h), h
    return (w - new_w) // 2, (h - new_h) // 2, (w + new_w) // 2, (h + new_h) // 2


def crop_resize(picture: Image.Image, size: Size, box: Box | None = None) -> Image.Image:
    """Cut to a box, or to the centred one of the target's aspect, then resize; the mode stays."""
    return cut(picture, box or crop_box(picture.size, size)).resize(size, Resampling.LANCZOS)


def cut(picture: Image.Image, box: Box) -> Image.Image:
    """The part of a picture in a box; beyond the picture its border goes on."""
    left, top, right, bottom = box
    width, height = picture.size
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return picture.crop(box)
    inside = picture.crop((max(left, 0), max(top, 0), min(right, width), min(bottom, height)))
    beyond = ((max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0)))
    pixels = np.asarray(inside)
    padded = Image.fromarray(np.pad(pixels, (*beyond, (0, 0))[: pixels.ndim], mode="edge"))
    padded.info = dict(picture.info)
    return padded


def pad_resize(picture: Image.Image, size: Size) -> Image.Image:
    """Resize to fit inside the target and centre on white. Ignores transparency."""
    (w, h), (target_w, target_h) = picture.size, size
    if w / h < target_w / target_h:
        new_w, new_h = max(1, w * target_h // h), target_h
    else:
        new_w, new_h = target_w, max(1, h * target_w // w)
    inside = picture.resize((new_w, new_h), Resampling.LANCZOS)
    canvas = Image.new("RGB", size, WHITE)
    canvas.paste(inside, ((target_w - new_w) // 2, (target_h - new_h) // 2))
    return canvas


def stack(upper: Image.Image, lower: Image.Image, canvas: Literal["white", "black"]) -> Image.Image:
    """Upper garment above lower, unscaled and left-aligned: the container before this one did it so."""
    size = max(upper.width, lower.width), upper.height + lower.height
    stacked = Image.new("RGB", size, WHITE if canvas == "white" else BLACK)
    stacked.paste(upper, (0, 0))
    stacked.paste(lower, (0, upper.height))
    return stacked


def fit_mask(mask: Image.Image, person: Size, polarity: str) -> Image.Image:
    """The mask at the person's size with white where to paint.

    Raises:
        InputError: `bad_mask`, its aspect is not the person's.
    """
    (w, h), (person_w, person_h) = mask.size, person
    if abs(w * person_h / (h * person_w) - 1) > MASK_ASPECT_TOLERANCE:
        lies = abs(h * person_h / (w * person_w) - 1) <= MASK_ASPECT_TOLERANCE
        turned = "; it seems to lie on its side: draw it on the photo as it is seen" if lies else ""
        raise InputError(
            f"the mask is {w} x {h}, its aspect must be that of the person, {person_w} x {person_h}{turned}",
            code=TryOnCode.BAD_MASK,
            field="mask",
        )
    if mask.size != person:
        mask = mask.resize(person, Resampling.BILINEAR)
    return ImageOps.invert(mask.convert("L")) if polarity == "black_repaints" else mask


def black_and_white(mask: Image.Image) -> Image.Image:
    """A grey mask (L) decided: 255 where it is at least half white, else 0."""
    return mask.point(lambda level: 255 if level >= HALF_WHITE else 0)


def image_tensor(picture: Image.Image) -> Tensor:
    """(1, 3, H, W) float32 in [-1, 1]."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)  # (H, W, 3)
    return torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)[None]


def mask_tensor(picture: Image.Image) -> Tensor:
    """(1, 1, H, W) float32: 1 where the picture is at least half white, else 0."""
    pixels = np.asarray(picture.convert("L"))  # (H, W)
    return torch.from_numpy((pixels >= HALF_WHITE).astype(np.float32))[None, None]


def without_masked(person: Tensor, mask: Tensor) -> Tensor:
    """The person with mid-grey where to paint."""
    return person * (mask < 0.5)


def picture_of(tensor: Tensor) -> Image.Image:
    """(3, H, W), roughly in [-1, 1], as an RGB picture."""
    pixels = (tensor / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy() * 255
    return Image.fromarray(pixels.round().astype(np.uint8))
