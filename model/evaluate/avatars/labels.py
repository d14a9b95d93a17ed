"""How well the pixels of photos were labelled with the template's places and layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from model.clothes.arrays import Floats, Values
from model.clothes.buffers import BodyLayer, Buffers
from model.evaluate.avatars.people import TakenPhoto
from model.evaluate.avatars.views import Layers


@dataclass(frozen=True)
class TrueLabels:
    """Of N framed photos. layers: (N, S, S), nothing beside the person. places: (N, S, S, 3) metres."""

    layers: Layers
    places: Floats


def true_labels(photos: Sequence[TakenPhoto], framed: Sequence[Image.Image], size: int) -> TrueLabels:
    """What the pixels of framed photos, seen at `size`, truly show. framed: as the engine's first stage left them."""
    seen = [_seen(photo, picture, size) for photo, picture in zip(photos, framed, strict=True)]
    layers, places = zip(*seen, strict=True)
    return TrueLabels(np.stack(layers), np.stack(places))


def _seen(photo: TakenPhoto, framed: Image.Image, size: int) -> tuple[Layers, Floats]:
    """The person's box in the framed photo is the person's box in the photo itself."""
    before, after = (picture.getchannel("A").getbbox() for picture in (photo.picture, framed))
    if before is None or after is None:
        return np.zeros((size, size), np.uint8), np.zeros((size, size, 3), np.float32)
    middles: Floats = ((np.arange(size) + 0.5) * (framed.width / size)).astype(np.float32)
    columns, rows = (
        2 * (before[i] + (middles - after[i]) * (before[i + 2] - before[i]) / (after[i + 2] - after[i]))
        for i in range(2)
    )
    return _nearest(photo.buffers, columns, rows)


def _nearest(buffers: Buffers, columns: Values, rows: Values) -> tuple[Layers, Floats]:
    height, width = buffers.layers.shape
    x, y = np.floor(columns).astype(int), np.floor(rows).astype(int)
    beside = ((y < 0) | (y >= height))[:, None] | ((x < 0) | (x >= width))
    at = np.ix_(y.clip(0, height - 1), x.clip(0, width - 1))
    layers, places = buffers.layers[at].copy(), buffers.places[at].copy()
    layers[beside], places[beside] = BodyLayer.NOTHING, 0
    return layers, places


def without_eyes(layers: Layers) -> Layers:
    """Eyes are few pixels, and lie within the skin."""
    return np.where(layers == BodyLayer.EYES, np.uint8(BodyLayer.SKIN), layers)


def place_errors(places: Floats, true: TrueLabels) -> Floats:
    """(P,) metres, of every pixel that shows somebody. places: (N, S, S, 3)."""
    there = true.layers > 0
    errors: Floats = np.linalg.norm(places[there] - true.places[there], axis=1)
    return errors


def layers_right(layers: Layers, true: TrueLabels) -> float:
    """Share of the pixels that show somebody."""
    there = true.layers > 0
    return float((without_eyes(layers) == without_eyes(true.layers))[there].mean())
