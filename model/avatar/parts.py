"""What an avatar is made of: body, hair, shoes and each garment, as named parts of its mesh."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.clothes.buffers import BodyLayer

Layers = NDArray[np.uint8]

PARTS = ("body", "hair", "shoes", "upper", "lower", "dress")
CLOTHES = ("upper", "lower", "dress")

_OF_LAYERS: Mapping[BodyLayer, str] = {
    BodyLayer.SKIN: "body",
    BodyLayer.EYES: "body",
    BodyLayer.HAIR: "hair",
    BodyLayer.SHOES: "shoes",
    BodyLayer.UPPER: "upper",
    BodyLayer.LOWER: "lower",
    BodyLayer.ONE_PIECE: "dress",
}
_OF_ATR: Mapping[str, tuple[int, ...]] = {
    "body": (3, 11, 12, 13, 14, 15),
    "hair": (1, 2),
    "shoes": (9, 10),
    "upper": (4, 16, 17),
    "lower": (5, 6, 8),
    "dress": (7,),
}


def of_layers(layers: Layers) -> Tensor:
    """Parts as shares, (6, 6, h, w), of views whose layers, (6, h, w) of `BodyLayer`, are known."""
    return _planes(layers, {part: [layer for layer, name in _OF_LAYERS.items() if name == part] for part in PARTS})


def of_atr_labels(labels: Layers) -> Tensor:
    """The same of views with labels of ATR's classes, (6, h, w)."""
    return _planes(labels, _OF_ATR)


def _planes(labels: Layers, classes: Mapping[str, tuple[int, ...] | list[BodyLayer]]) -> Tensor:
    return torch.from_numpy(np.stack([np.isin(labels, classes[part]) for part in PARTS], 1)).float()


def worn(parts: Tensor) -> Tensor:
    """Which of the triangles whose parts these are, (F,), are clothes: (F,) bool."""
    return torch.isin(parts, parts.new_tensor([PARTS.index(part) for part in CLOTHES]))


def named(parts: Tensor) -> dict[str, Tensor]:
    """Of each part that is there its triangles, (F,) bool."""
    return {part: which for i, part in enumerate(PARTS) if (which := parts == i).any()}
