"""MobileNet-SSD as published for Caffe, 21 classes of VOC: a network in text and its weights, which OpenCV 4 reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.errors import WeightsError
from model.perception.boxes import PersonBox, area, without_doubles
from model.perception.onnx_file import refuse_lfs_pointer

_SIDE = 300  # pixels: what it sees
_MIDDLE = 127.5  # levels are (level - middle) / middle, red first
_PERSON = 15  # among VOC's classes
_LEAST_SCORE, _MOST_OVERLAP = 0.3, 0.4  # of boxes that are kept
_NUMBERS = 7  # of what is found: picture, class, score, left, top, right, bottom in shares of the picture

Floats = NDArray[np.float32]


class MobileNetSsd:
    """A file of it. May be asked from several threads, in turn, for the network holds its input.

    Args:
        caffemodel: the weights; the network lies beside them under the same name, `.prototxt`.

    Raises:
        WeightsError: a file cannot be read or is no such network, or this OpenCV reads no Caffe models.
    """

    def __init__(self, caffemodel: Path) -> None:
        self._network = _read(caffemodel)
        self._turn = Lock()
        try:
            shape = self._found(Image.new("RGB", (_SIDE, _SIDE))).shape
        except cv2.error as error:
            raise WeightsError(f"{caffemodel}: {error.err}") from error
        if len(shape) != 4 or shape[3] != _NUMBERS:
            raise WeightsError(f"{caffemodel}: the output is {list(shape)}, expected [1, 1, N, {_NUMBERS}]")

    def people(self, picture: Image.Image) -> list[PersonBox]:
        """Everybody in an RGB picture, the largest first."""
        rows = self._found(picture)[0, 0].astype(np.float64)
        rows = rows[(rows[:, 1] == _PERSON) & (rows[:, 2] > _LEAST_SCORE)]
        boxes = rows[:, 3:].clip(0, 1) * np.array([*picture.size, *picture.size])
        kept = without_doubles(boxes, rows[:, 2], _MOST_OVERLAP)
        found: list[PersonBox] = [tuple(box) for box in boxes[kept].tolist()]
        return sorted(found, key=area, reverse=True)

    def _found(self, picture: Image.Image) -> Floats:
        size, middle = (_SIDE, _SIDE), (_MIDDLE, _MIDDLE, _MIDDLE)
        with self._turn:
            self._network.setInput(cv2.dnn.blobFromImage(np.asarray(picture), 1 / _MIDDLE, size, middle))
            return np.asarray(self._network.forward(), np.float32)


def _read(caffemodel: Path) -> cv2.dnn.Net:
    prototxt = caffemodel.with_suffix(".prototxt")
    if not prototxt.is_file():
        raise WeightsError(f"{caffemodel}: {prototxt.name}, which says what its weights are of, is not beside it")
    for file in (prototxt, caffemodel):
        refuse_lfs_pointer(file)
    read: Callable[[str, str], cv2.dnn.Net] | None = getattr(cv2.dnn, "readNetFromCaffe", None)
    if read is None:
        raise WeightsError(
            f"{caffemodel}: OpenCV {cv2.__version__} reads no Caffe models, OpenCV 4 does: "
            "pip install 'opencv-python-headless<5', or bring detector.onnx in its place"
        )
    try:
        return read(str(prototxt), str(caffemodel))
    except cv2.error as error:
        raise WeightsError(f"{caffemodel}: {error.err}") from error
