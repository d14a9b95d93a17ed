"""From a photo, its labels, a mask and a garment to what the networks see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from model.engines.warp.areas import Areas, areas
from model.engines.warp.frame import Window, frame
from model.engines.warp.garment import FlatGarment
from model.engines.warp.inputs import HEIGHT, PLACES, WIDTH, Inputs, inputs
from model.engines.warp.old_garment import old_garment
from model.errors import InputError
from model.perception.label_maps import LabelMaps
from model.tryon.codes import TryOnCode
from model.tryon.crop import scaled
from model.tryon.pictures import HALF_WHITE, Box, Size, crop_box, cut
from model.tryon.request import Category

Labels = NDArray[np.uint8]  # (h, w)
Level = TypeVar("Level", np.uint8, np.float32)


@dataclass(frozen=True)
class Prepared:
    """whole: (H, W, 3), the part of the photo that is dressed, at its own size. photo: (h, w, 3), what of it is in the
    frame, as its areas are. seen: of one row."""

    whole: NDArray[np.uint8]
    frame: Window
    photo: NDArray[np.uint8]
    areas: Areas
    garment: FlatGarment
    seen: Inputs


def prepared(
    photo: Image.Image,
    garment: Image.Image,
    mask: Image.Image,
    maps: LabelMaps | None,
    category: Category,
    size: Size,
    box: Box | None = None,
) -> Prepared:
    """
    Args:
        photo: RGB. mask: of any size, white where to paint.
        maps: of the photo, of any size; None: nobody knows.
        size: width and height, of which the aspect says what part of the photo is dressed: its middle.
        box: instead the part in it, maybe beyond the photo.

    Raises:
        InputError: `mask_empty`, the mask is empty in that part.
    """
    box = box or crop_box(photo.size, size)
    part = np.asarray(cut(photo, box))
    height, width = part.shape[:2]
    paint = (np.asarray(cut(mask.convert("L").resize(photo.size), box)) >= HALF_WHITE).astype(np.uint8)
    if not paint.any():
        raise InputError("the mask is empty where the person was cropped", code=TryOnCode.MASK_EMPTY, field="mask")
    densepose, atr = (_sampled(_part(labels, photo.size, box), (width, height)) for labels in _named(maps, photo.size))
    near = frame(paint, category)
    shown, paint, densepose, atr = part[near], paint[near], densepose[near], atr[near]
    flat = FlatGarment.of(np.asarray(garment.convert("RGB"))).spread()
    small = _shrunk(paint.astype(np.float32))
    small_mask = (small >= 0.5).astype(np.uint8)
    atr_small, densepose_small = (_sampled(labels) for labels in (atr, densepose))
    colours, alpha = flat.for_networks()
    seen = inputs(
        _picture(_shrunk(shown)),
        torch.from_numpy(densepose_small)[None],
        torch.from_numpy(atr_small)[None],
        _plane(small_mask),
        _plane(old_garment(atr_small, small_mask, category)),
        colours,
        alpha,
        torch.tensor([PLACES[category]]),
    )
    return Prepared(part, near, shown, areas(paint, atr, densepose, category), flat, seen)


def _named(maps: LabelMaps | None, size: Size) -> tuple[Labels, Labels]:
    if maps is None:
        nothing = np.zeros((HEIGHT, WIDTH), np.uint8)
        return nothing, nothing
    return maps.densepose, maps.atr


def _part(labels: Labels, size: Size, box: Box) -> Labels:
    """That part of labels which the box cuts out of a photo of `size`."""
    left, top, right, bottom = scaled(box, size, (labels.shape[1], labels.shape[0]))
    picture = Image.fromarray(np.ascontiguousarray(labels))
    return np.asarray(cut(picture, (left, top, max(right, left + 1), max(bottom, top + 1))))


def _sampled(labels: Labels, size: Size = (WIDTH, HEIGHT)) -> Labels:
    return np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _shrunk(picture: NDArray[Level]) -> NDArray[Level]:
    how = cv2.INTER_AREA if picture.shape[0] >= HEIGHT else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (WIDTH, HEIGHT), interpolation=how))


def _picture(levels: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(levels).permute(2, 0, 1)[None].float() / 127.5 - 1


def _plane(plane: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(plane)[None, None].float()
