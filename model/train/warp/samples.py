"""One example of a warping try-on, with its truth, before it is made a tensor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
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
_LEAST_PIXELS = 6  # of a part, for an ellipse
CATEGORY: tuple[Category, ...] = tuple(CATEGORIES[place] for place in PLACES)


@dataclass(frozen=True)
class Sample:
    """Somebody before and after, H x W.

    photo, truth: (H, W, 3), in the old garment and in the new one. densepose, atr, mask, hole: (H, W), of the photo.
    flat: (H, W, 3), the new garment; alpha: (H, W) 0..1. flow: (H, W, 2), cover, shown: (H, W), its correspondence.
    worn: (H, W), ATR's labels of the truth. traced: whether flow and shown are known at all.
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
    worn: Bytes
    place: int
    traced: bool = True


def sample(people: People, i: int, painting: int, source: int, target: int, *, body: str, found: bool) -> Sample:
    """Person `i` of these, who wears outfit `source` and is to wear `target`.

    Args:
        body: DensePose of the "bare" body, of the "dressed" one, as "found" by the built-in networks, as "limbs" that
            joints alone would tell of, "none", or "nothing": not even labels.
        found: whether labels and mask are those of the built-in networks.
    """
    place = int(people.places[i])
    prefix = "found_" if found and people.found_masks[i, source].any() else ""
    atr, mask = (np.asarray(getattr(people, prefix + name)[i, source]) for name in ("atr", "masks"))
    bodies = {
        "bare": people.bare[i],
        "dressed": people.densepose[i, source],
        "found": people.found_densepose[i, source],
        "limbs": limbs(people.bare[i]) if body == "limbs" else people.bare[i],
        "none": np.zeros_like(people.bare[i]),
        "nothing": np.zeros_like(people.bare[i]),
    }
    if body == "nothing":
        atr = np.zeros_like(atr)
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
        worn=np.asarray(people.atr[i, target]),
        place=place,
    )


def limbs(densepose: Bytes) -> Bytes:
    """DensePose labels, (H, W), with an ellipse for each part: what can be drawn of a body whose joints are known."""
    drawn = np.zeros_like(densepose)
    for part in np.unique(densepose[densepose > 0]):
        rows, columns = np.nonzero(densepose == part)
        if len(rows) < _LEAST_PIXELS:
            continue
        spread, axes = np.linalg.eigh(np.cov(np.stack([columns, rows])))
        angle = float(np.degrees(np.arctan2(axes[1, 1], axes[0, 1])))
        half = 2 * np.sqrt(np.maximum(spread[::-1], 0.25))
        box = ((float(columns.mean()), float(rows.mean())), (2 * float(half[0]), 2 * float(half[1])), angle)
        cv2.ellipse(drawn, box, int(part), thickness=-1)
    return drawn
