"""YOLOX, as DWPose uses it to find people: 640 x 640, rows of all cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.errors import WeightsError
from model.perception.boxes import Boxes, PersonBox, area, without_doubles
from model.perception.onnx_file import OnnxNetwork, Provider
from model.perception.profile import Profile

_STRIDES = (8, 16, 32)  # of its three levels of cells
_GREY = 114  # that its input is filled up with
_PERSON = 0  # among COCO's classes
_LEAST_SCORE, _MOST_OVERLAP = 0.3, 0.45  # of boxes that are kept, as DWPose has it


class Yolox:
    """A file of it.

    Raises:
        WeightsError: the file cannot be read or is no such network.
    """

    def __init__(self, file: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> None:
        # Levels 0..255 as they are, blue first.
        levels = Profile(channel_order="BGR", mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))
        self.network = OnnxNetwork(file, providers, levels)
        side, shape = self.network.width, self.network.output_shape
        cells = sum((side // stride) ** 2 for stride in _STRIDES)
        if side != self.network.height or len(shape) != 3 or shape[1] != cells:
            raise WeightsError(f"{file}: the output is {shape}, expected [1, {cells}, 5 + classes] of a square input")

    def people(self, picture: Image.Image) -> list[PersonBox]:
        """Everybody in an RGB picture, the largest first."""
        seen, scale = self._letterboxed(picture)
        boxes, scores = decoded(self.network.run(seen), self.network.width)
        kept = without_doubles(boxes, scores, _MOST_OVERLAP)
        found: list[PersonBox] = [tuple(box) for box in (boxes[kept] / scale).tolist()]
        return sorted(found, key=area, reverse=True)

    def _letterboxed(self, picture: Image.Image) -> tuple[NDArray[np.uint8], float]:
        side = self.network.width
        scale = min(side / picture.width, side / picture.height)
        size = max(1, int(picture.width * scale)), max(1, int(picture.height * scale))
        seen = np.full((side, side, 3), _GREY, np.uint8)
        seen[: size[1], : size[0]] = cv2.resize(np.asarray(picture), size, interpolation=cv2.INTER_LINEAR)
        return seen, scale


def decoded(rows: NDArray[np.float32], side: int) -> tuple[Boxes, NDArray[np.float64]]:
    """YOLOX's rows (cells, 5 + classes) as people's boxes (N, 4) of its input, and their scores (N,)."""
    grids, strides = [], []
    for stride in _STRIDES:
        cells = side // stride
        y, x = np.mgrid[:cells, :cells]
        grids.append(np.stack([x, y], -1).reshape(-1, 2))
        strides.append(np.full((cells * cells, 1), stride))
    grid, step = np.concatenate(grids), np.concatenate(strides)
    scores = (rows[:, 4] * rows[:, 5 + _PERSON]).astype(np.float64)
    sure = scores > _LEAST_SCORE
    centre = (rows[sure, :2] + grid[sure]) * step[sure]
    half = np.exp(rows[sure, 2:4].astype(np.float64)) * step[sure] / 2
    return np.concatenate([centre - half, centre + half], axis=1), scores[sure]
