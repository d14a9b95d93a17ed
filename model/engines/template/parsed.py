"""What label networks (DensePose, LIP, ATR) say of a photo, as the place network is shown it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from model.clothes.arrays import Floats
from model.perception.files import label_map_files
from model.perception.label_maps import open_parser
from model.perception.onnx_file import Provider

CLASSES = 25, 20, 18  # of DensePose, LIP, ATR
STRIDE = 2  # pixels of the photo to one label

# What is called otherwise in a mirror, pairs of labels.
_SIDES: tuple[Sequence[tuple[int, int]], ...] = (
    tuple((left, left + 1) for left in range(3, 25, 2)),
    ((14, 15), (16, 17), (18, 19)),
    ((9, 10), (12, 13), (14, 15)),
)
_SHOWN, _FILLED, _BEHIND = (144, 192), 0.94, 0.78  # pixels, share of them the person fills, grey behind the person
_THERE, _SOLID = 0.25, 0.4  # alphas from which somebody is in the box, and from which a label counts

Labels = NDArray[np.uint8]


class Parsers:
    """The label networks of a folder of weights.

    Raises:
        WeightsError: a file is not what it should be.
    """

    def __init__(self, weights: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> None:
        files = label_map_files(weights).items()
        self._parsers = [open_parser(file, classes, providers) for file, classes in files]

    def __call__(self, photo: Floats) -> Labels:
        """(3, S/2, S/2), 0 beside the person. photo: (S, S, 4), colours times alpha, and alpha, 0..1."""
        frame = _frame(photo[..., 3])
        size = len(photo) // STRIDE
        if frame is None:
            return np.zeros((len(CLASSES), size, size), np.uint8)
        colours = photo[..., :3] + _BEHIND * (1 - photo[..., 3:])
        shown = cv2.warpAffine(colours, frame, _SHOWN, borderMode=cv2.BORDER_CONSTANT, borderValue=(_BEHIND,) * 3)
        picture = Image.fromarray((shown.clip(0, 1) * 255 + 0.5).astype(np.uint8))
        middles = np.arange(size) * STRIDE + (STRIDE - 1) / 2
        x, y = np.meshgrid(frame[0, 0] * middles + frame[0, 2], frame[1, 1] * middles + frame[1, 2])
        columns, rows = (
            np.rint(plane).astype(int).clip(0, length - 1) for plane, length in zip((x, y), _SHOWN, strict=True)
        )
        person = cv2.resize(photo[..., 3], (size, size), interpolation=cv2.INTER_AREA) > _SOLID
        return np.stack([np.where(person, parser.labels(picture)[rows, columns], 0) for parser in self._parsers])


def _frame(alpha: Floats) -> Floats | None:
    """The map, (2, 3), from the photo to what the networks are shown, in pixels; none of an empty photo."""
    there = alpha > _THERE
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    if not len(rows):
        return None
    lengths = columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]
    scale = min(_FILLED * shown / length for shown, length in zip(_SHOWN, lengths, strict=True))
    middles = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
    shift = [(shown - 1) / 2 - scale * middle for shown, middle in zip(_SHOWN, middles, strict=True)]
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)


def other_side(parsed: Tensor) -> Tensor:
    """The same labels, (B, 3, h, w), as they are called of a mirrored person; where they are stays."""
    planes = []
    for plane, classes, pairs in zip(parsed.unbind(1), CLASSES, _SIDES, strict=True):
        table = torch.arange(classes, dtype=parsed.dtype, device=parsed.device)
        for left, right in pairs:
            table[left], table[right] = right, left
        planes.append(table[plane.long()])
    return torch.stack(planes, 1)


def one_hot(parsed: Tensor, stride: int) -> Tensor:
    """Shares of classes, (B, 63, ...), in cells of `stride` x `stride` of labels, (B, 3, h, w)."""
    planes = [
        torch.nn.functional.one_hot(plane.long(), classes)
        for plane, classes in zip(parsed.unbind(1), CLASSES, strict=True)
    ]
    shares = torch.cat(planes, -1).permute(0, 3, 1, 2).float()
    return torch.nn.functional.avg_pool2d(shares, stride)
