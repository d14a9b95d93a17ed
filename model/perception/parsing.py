"""One ONNX model that gives every pixel of a photo a class.

Input: one float32 tensor (1, 3, H, W), H and W fixed. Output: logits, (1, classes, h, w) of any h and w.
How a photo becomes the input stands in the file's `metadata_props`, all of these keys required:

    geometry        "stretch": resized to W x H whatever its aspect; or "affine": warped about its centre so that its
                    longer side fills the square input, black beside it, as SCHP was trained
    channel_order   "RGB" or "BGR": of the input's three channels
    mean, std       three numbers each, "0.406, 0.456, 0.485", in the order of the channels:
                    input = (level / 255 - mean) / std

The published try-on shows its SCHP networks RGB pictures with BGR statistics; a file says so by naming both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel

from model.errors import WeightsError
from model.perception.onnx_file import Provider, Three, ThreePositive, open_session, read_preparation

Labels = NDArray[np.uint8]  # (H, W)
Plane = NDArray[Any]  # (H, W) or (H, W, 3)


class Preparation(BaseModel):
    """The file's metadata."""

    geometry: Literal["affine", "stretch"]
    channel_order: Literal["RGB", "BGR"]
    mean: Three
    std: ThreePositive


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
        self.session = open_session(file, providers)
        self.preparation = read_preparation(file, self.session, Preparation)
        self.width, self.height = _input_size(file, self.session, self.preparation, classes)

    def labels(self, picture: Image.Image) -> Labels:
        """The class of each pixel of an RGB picture; ties go to the lower class."""
        pixels = np.asarray(picture)  # (H, W, 3)
        size = picture.size
        if self.preparation.geometry == "affine":
            seen = warp(pixels, to_square(size, self.width), (self.width, self.height))
            return most_likely(self._logits(seen), lambda logits: self._warped_back(logits, size))
        seen = cv2.resize(pixels, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        return most_likely(self._logits(seen), lambda logits: cv2.resize(logits, size, interpolation=cv2.INTER_LINEAR))

    def _logits(self, seen: Plane) -> NDArray[np.float32]:
        prepared = self.preparation
        channels = seen if prepared.channel_order == "RGB" else seen[..., ::-1]
        normal = (channels / 255 - np.array(prepared.mean)) / np.array(prepared.std)  # (H, W, 3)
        tensor = np.ascontiguousarray(normal.transpose(2, 0, 1)[None], dtype=np.float32)
        logits: NDArray[np.float32] = self.session.run(None, {self.session.get_inputs()[0].name: tensor})[0][0]
        return logits  # (classes, h, w)

    def _warped_back(self, logits: Plane, size: tuple[int, int]) -> Plane:
        plane = torch.from_numpy(logits)[None, None]  # (1, 1, h, w)
        square = F.interpolate(plane, (self.height, self.width), mode="bilinear", align_corners=True)
        return warp(square[0, 0].numpy(), to_square(size, self.width), size, inverse=True)


def _input_size(file: Path, session: Any, preparation: Preparation, classes: int) -> tuple[int, int]:
    tensors = session.get_inputs()
    shape, output = tensors[0].shape, session.get_outputs()[0].shape
    if len(tensors) != 1 or tensors[0].type != "tensor(float)" or len(shape) != 4 or shape[1] != 3:
        raise WeightsError(f"{file}: the input is {tensors[0].type} {shape}, expected one float tensor [1, 3, H, W]")
    if not (isinstance(shape[2], int) and isinstance(shape[3], int)):
        raise WeightsError(f"{file}: the input's size {shape[2:]} is not fixed")
    if len(output) != 4 or output[1] != classes:
        raise WeightsError(f"{file}: the output is {output}, expected [1, {classes}, h, w]")
    if preparation.geometry == "affine" and shape[2] != shape[3]:
        raise WeightsError(f"{file}: geometry 'affine' needs a square input, this one is {shape[2:]}")
    return shape[3], shape[2]


def most_likely(logits: NDArray[np.float32], projected: Callable[[Plane], Plane]) -> Labels:
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


def warp(plane: Plane, matrix: Plane, size: tuple[int, int], *, inverse: bool = False) -> Plane:
    """`plane` under the affine map (or its inverse), bilinear, 0 where nothing of it falls. `size`: (width, height)."""
    flags = cv2.INTER_LINEAR | (cv2.WARP_INVERSE_MAP if inverse else 0)
    return cv2.warpAffine(plane, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
