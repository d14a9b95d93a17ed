"""Intersection over union: of masks, and of label maps class by class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError

Labels = NDArray[np.uint8]  # (H, W)


def mask_iou(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Of two (H, W) masks; 1 when both are empty.

    Raises:
        InputError: they differ in size.
    """
    if found.shape != true.shape:
        raise InputError(f"the mask is {found.shape}, the true one {true.shape}", field="mask")
    union = np.count_nonzero(found | true)
    return np.count_nonzero(found & true) / union if union else 1.0


class LabelCounts:
    """Pixels counted over many label maps, as mean IoU is defined on a set (Everingham et al., 2015; PASCAL VOC).

    Args:
        classes: how many there are.
    """

    def __init__(self, classes: int) -> None:
        self.pixels = np.zeros((classes, classes), np.int64)  # [true class, found class]

    def add(self, found: Labels, true: Labels) -> None:
        """Count one picture.

        Raises:
            InputError: the maps differ in size, or a label is not one of the classes.
        """
        classes = len(self.pixels)
        if found.shape != true.shape:
            raise InputError(f"the label map is {found.shape}, the true one {true.shape}", field="labels")
        if (highest := max(found.max(), true.max())) >= classes:
            raise InputError(f"a label map has the class {highest}, there are {classes}", field="labels")
        pairs = true.astype(np.int64) * classes + found
        self.pixels += np.bincount(pairs.ravel(), minlength=classes**2).reshape(classes, classes)

    def ious(self) -> NDArray[np.float64]:
        """(classes,): each class's IoU over all pictures; nan where it is neither true nor found anywhere."""
        right = np.diag(self.pixels)
        union = self.pixels.sum(0) + self.pixels.sum(1) - right
        return np.where(union > 0, right / np.maximum(union, 1), np.nan)

    def mean_iou(self) -> float:
        """The mean over the classes that truly occur, the background among them.

        Raises:
            InputError: nothing was counted.
        """
        occurs = self.pixels.sum(1) > 0
        if not occurs.any():
            raise InputError("no label map was counted", field="labels")
        return float(self.ious()[occurs].mean())
