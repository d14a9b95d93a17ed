"""Where people are, as boxes: from a label map, a matte, or a detector's file.

detector.onnx       YOLOX, as DWPose uses it: 640 x 640, rows of all cells
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.errors import WeightsError
from model.perception.files import DETECTOR_FILE
from model.perception.onnx_file import OnnxNetwork, Provider
from model.perception.profile import Profile

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels; right and bottom outside
Boxes = NDArray[np.float64]  # (N, 4)

_STRIDES = (8, 16, 32)  # of YOLOX's three levels of cells
_GREY = 114  # that YOLOX fills up its input with
_PERSON = 0  # among COCO's classes
_LEAST_SCORE, _MOST_OVERLAP = 0.3, 0.45  # DWPose's
_SAME_PERSON = 0.5  # of what two boxes cover together: from there on they are of one person
_LEAST_AREA = 0.001  # of the picture: what is smaller is a speck, not a person


def largest_area(mask: NDArray[np.bool_]) -> Box | None:
    """The box of the largest connected area of (H, W); None where there is none worth the name."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    left, top, width, height, area = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))]
    if area < _LEAST_AREA * mask.size:
        return None
    return float(left), float(top), float(left + width), float(top + height)


def open_detector(weights: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> Detector | None:
    """The detector's file, if it is there.

    Raises:
        WeightsError: it cannot be read or is no such network.
    """
    file = weights / DETECTOR_FILE
    return Detector(file, providers) if file.is_file() else None


def best_match(boxes: Sequence[Box], wanted: Box) -> Box | None:
    """The box that shares most with another, as a share of what both cover; None where none reaches half of it."""
    match = max(boxes, key=lambda box: overlap(box, wanted), default=None)
    return match if match is not None and overlap(match, wanted) >= _SAME_PERSON else None


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


class Detector:
    """YOLOX.

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

    def people(self, picture: Image.Image) -> list[Box]:
        """Everybody in an RGB picture, the largest first."""
        seen, scale = self._letterboxed(picture)
        boxes, scores = decoded(self.network.run(seen), self.network.width)
        kept = _without_doubles(boxes, scores)
        found: list[Box] = [tuple(box) for box in (boxes[kept] / scale).tolist()]
        return sorted(found, key=_area, reverse=True)

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


def _without_doubles(boxes: Boxes, scores: NDArray[np.float64]) -> list[int]:
    """Indices of the boxes that no surer one overlaps."""
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), scores.tolist(), _LEAST_SCORE, _MOST_OVERLAP)
    return [int(i) for i in np.asarray(kept).reshape(-1)]
