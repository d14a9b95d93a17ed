"""Where the photo shows what is to vanish: the old garment. All else in the mask is true and stays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.tryon.request import Category

Labels = NDArray[np.uint8]  # (H, W)

# ATR: upper clothes 4, skirt 5, trousers 6, dress 7, belt 8, scarf 17.
CLOTHES: dict[Category, tuple[int, ...]] = {
    "upper": (4, 7, 17),
    "inner": (4, 7, 17),
    "outer": (4, 7, 17),
    "lower": (5, 6, 7, 8),
    "overall": (4, 5, 6, 7, 8, 17),
}
_MARGIN = 1 / 128  # of the height: labels are that uncertain, and an outline's pixels are mixed


def old_garment(atr: Labels, mask: Labels, category: Category) -> Labels:
    """(H, W), 1 in the mask where clothes are that a garment of this category replaces, and a little around them.

    All of the mask if there are none: then nobody knows.
    """
    clothes = np.isin(atr, CLOTHES[category]).astype(np.uint8) & mask
    if not clothes.any():
        return mask
    radius = max(1, round(_MARGIN * len(mask)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    return np.asarray(cv2.dilate(clothes, kernel), np.uint8) & mask
