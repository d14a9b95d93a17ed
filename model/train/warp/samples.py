"""One example of a warping try-on, with its truth, before it is made a tensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engines.warp.cutout import carried_on
from model.engines.warp.old_garment import old_garment
from model.synthetic.datasets.layouts import CATEGORIES
from model.synthetic.datasets.records import PLACES
from model.train.warp.people import People
from model.tryon.request import Category

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
CATEGORY: tuple[Category, ...] = tuple(CATEGORIES[place] for place in PLACES)


@dataclass(frozen=True)
class Sample:
    """Somebody before and after, H x W.

    photo, truth: (H, W, 3), in the old garment and in the new one. densepose, atr, mask, hole: (H, W), of the photo.
    flat: (H, W, 3), the new garment; alpha: (H, W) 0..1. flow: (H, W, 2), cover, shown: (H, W), its correspondence.
    """

    photo: Bytes
    truth: Bytes
    densepose: Bytes
    atr: Bytes
    mask: Bytes
    hole: Bytes
    flat: Bytes
    alpha: Floats
    flow: Floats
    cover: Floats
    shown: Floats
    place: int


def sample(people: People, i: int, painting: int, source: int, target: int, *, body: str, found: bool) -> Sample:
    """Person `i` of these, who wears outfit `source` and is to wear `target`.

    Args:
        body: DensePose of the "bare" body, of the "dressed" one, as "found" by the built-in networks, or "none".
        found: whether labels and mask are those of the built-in networks.
    """
    place = int(people.places[i])
    prefix = "found_" if found and people.found_masks[i, source].any() else ""
    atr, mask = (np.asarray(getattr(people, prefix + name)[i, source]) for name in ("atr", "masks"))
    bodies = {
        "bare": people.bare[i],
        "dressed": people.densepose[i, source],
        "found": people.found_densepose[i, source],
        "none": np.zeros_like(people.bare[i]),
    }
    alpha = people.alphas[i, target].astype(np.float32) / 255
    return Sample(
        photo=people.photos[i, painting, source],
        truth=people.photos[i, painting, target],
        densepose=np.asarray(bodies[body]),
        atr=atr,
        mask=mask,
        hole=old_garment(atr, mask, CATEGORY[place]),
        flat=carried_on(people.flats[i, painting, target], alpha),
        alpha=alpha,
        flow=people.flows[i, target].astype(np.float32),
        cover=people.covers[i, target].astype(np.float32) / 255,
        shown=people.shown[i, target].astype(np.float32) / 255,
        place=place,
    )
