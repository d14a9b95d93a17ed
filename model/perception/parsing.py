"""One ONNX model that gives every pixel of a photo a class.

Input: one float32 picture. Output: logits, (1, classes, h, w) of any h and w. How a photo becomes the input stands in
the file's metadata or beside it (`profile.py`); `geometry`, `channel_order`, `mean` and `std` must be said. `resize` is
"linear" where it is not.

The published try-on shows its SCHP networks RGB pictures with BGR statistics; a file says so by naming both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from model.errors import WeightsError
from model.perception.onnx_file import OnnxNetwork, Provider, RawPlane
from model.perception.profile import Profile

Labels = NDArray[np.uint8]  # (H, W)

_CONVENTION = Profile(resize="linear")
_REQUIRED = ("geometry", "channel_order", "mean", "std")


class Parsing:
    """A model and how to ask it.

    Args:
        file: the ONNX file.
        classes: how many it must tell apart.
        providers: of onnxruntime, the preferred one first.

    Raises:
        WeightsError: the file cannot be read or is not such a model.
    """

    def __init__(self, file: Path, classes: int, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> None:
        self.network = OnnxNetwork(file, providers, _CONVENTION, _REQUIRED)
        _check_classes(self.network, classes)

    def labels(self, picture: Image.Image) -> Labels:
        """The class of each pixel of an RGB picture; ties go to the lower class."""
        network, size = self.network, picture.size
        if network.profile.geometry == "affine":
            matrix = to_square(size, network.width)
            seen = warp(np.asarray(picture), matrix, (network.width, network.height))
            return most_likely(network.run(seen), lambda logits: self._warped_back(logits, size))
        logits = network.run(network.stretched(picture))
        return most_likely(logits, lambda plane: cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR))

    def _warped_back(self, logits: RawPlane, size: tuple[int, int]) -> RawPlane:
        side = self.network.width
        plane = torch.from_numpy(logits)[None, None]  # (1, 1, h, w)
        square = F.interpolate(plane, (side, side), mode="bilinear", align_corners=True)
        return warp(square[0, 0].numpy(), to_square(size, side), size, inverse=True)


def _check_classes(network: OnnxNetwork, classes: int) -> None:
    shape: list[int | str | None] = network.output_shape
    if len(shape) == 4 and not isinstance(shape[1], int):  # left open by the file: see what it gives
        shape = [1, *network.run(np.zeros((network.height, network.width, 3), np.uint8)).shape]
    if len(shape) != 4 or shape[1] != classes:
        raise WeightsError(f"{network.file}: the output is {shape}, expected [1, {classes}, h, w]")


def most_likely(logits: NDArray[np.float32], projected: Callable[[RawPlane], RawPlane]) -> Labels:
    """The class with the largest logit, where `projected` brings a class's plane to the picture's size."""
    best = projected(logits[0])
    labels = np.zeros(best.shape, np.uint8)
    for i, plane in enumerate(logits[1:], start=1):  # one by one: all planes of a large picture are gigabytes
        level = projected(plane)
        labels[level > best] = i
        np.maximum(best, level, out=best)
    return labels


def to_square(size: tuple[int, int], side: int) -> NDArray[np.float64]:
    """The affine map, (2, 3), that centres a picture in a square its longer side fills, corner to corner."""
    width, height = size
    scale = (side - 1) / max(width - 1, height - 1, 1)
    middle = (side - 1) / 2
    return np.array(
        [[scale, 0, middle - scale * (width - 1) / 2], [0, scale, middle - scale * (height - 1) / 2]], np.float64
    )


def warp(plane: RawPlane, matrix: RawPlane, size: tuple[int, int], *, inverse: bool = False) -> RawPlane:
    """`plane` under the affine map (or its inverse), bilinear, 0 where nothing of it falls. `size`: (width, height)."""
    flags = cv2.INTER_LINEAR | (cv2.WARP_INVERSE_MAP if inverse else 0)
    return cv2.warpAffine(plane, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
