"""What one parser's classes are called by another: the tables that let one file stand for three.

FASHN's parser has 18 classes of its own and does not tell left from right; the lower number is written, since masks
always take both. A class without a counterpart is background.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]

CLASSES = {"atr": 18, "lip": 20, "densepose": 25, "fashn": 18}  # with the background

ATR_TO_LIP = {
    **{0: 0, 1: 1, 2: 2, 3: 4, 4: 5, 5: 12, 6: 9, 7: 6, 8: 9},
    **{9: 18, 10: 19, 11: 13, 12: 16, 13: 17, 14: 14, 15: 15, 16: 3, 17: 11},
}
FASHN_TO_ATR = {1: 11, 2: 2, 3: 4, 4: 7, 5: 5, 6: 6, 7: 8, 8: 16, 9: 1, 10: 17, 11: 3, 12: 14, 13: 14, 14: 12, 15: 9}
FASHN_TO_LIP = {1: 13, 2: 2, 3: 5, 4: 6, 5: 12, 6: 9, 9: 1, 10: 11, 11: 4, 12: 14, 13: 14, 14: 16, 15: 18, 17: 3}
FASHN_TO_DENSEPOSE = {1: 23, 3: 1, 12: 15, 13: 3, 14: 7, 15: 5, 16: 1}


def renamed(labels: Labels, table: Mapping[int, int]) -> Labels:
    """Labels (H, W) by a table; 0 where it has nothing."""
    by_class = np.zeros(256, np.uint8)
    for source, target in table.items():
        by_class[source] = target
    named: Labels = by_class[labels]
    return named
