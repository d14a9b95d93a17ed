"""Flows as pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def encoded_flow(flow: NDArray[np.float32], cover: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(H, W, 3) of 16 bits: x and y in another picture, whose borders -1 and 1 are 1 and 65535, and how much of the
    pixel is covered, 0..1 as 0..65535.

    Args:
        flow: (H, W, 2). cover: (H, W).
    """
    places = np.rint(flow.clip(-1, 1) * 32767 + 32768)
    return np.dstack([places, np.rint(cover * 65535)]).astype(np.uint16)
