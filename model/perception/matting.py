"""Who is in a photo, as soft alpha: a model of the operator's, or a light one that comes with a package.

The operator's is an ONNX file of BiRefNet's convention, unless its metadata or a file beside it says otherwise
(`profile.py`). Input: one float32 picture, 1024 x 1024 where the file does not fix it; the photo is stretched to it
whatever its aspect. Its last output: logits, (1, 1, h, w) of any h and w. ImageNet's mean and std.

A file whose answers cannot be what it is said to give is refused when it is opened.

The light one is the selfie segmentation inside the package mediapipe 0.10.21, read by OpenCV; mediapipe itself is
never imported. It sees 256 x 256 pixels, so its borders are soft and thin things (straps, fingers) may be missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Protocol

import cv2
import numpy as np
from PIL import Image
from PIL.Image import Resampling

from model.errors import WeightsError
from model.perception.onnx_file import Floats, OnnxNetwork, Provider, RawPlane
from model.perception.profile import Profile

_CONVENTION = Profile(size=(1024, 1024), output=-1, activation="sigmoid")  # BiRefNet's
_PLAIN_LEVEL = 64  # dark grey: where nobody is, whatever the network was trained on
_LEAST_ALPHA = 0.1  # of a plain picture's emptiest pixel: shares that are read as logits have 0.5 or more there
_LIGHT_SIDE = 256  # what that file takes
_LIGHT_MODEL = "modules/selfie_segmentation/selfie_segmentation.tflite"

Size = tuple[int, int]  # width, height


class Matting(Protocol):
    """Something that finds people. May be asked from several threads."""

    def alpha(self, picture: Image.Image) -> Image.Image:
        """How much each pixel of an RGB picture belongs to people: of its size and mode L, 255 for wholly."""


def open_matting(file: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> Matting | None:
    """The model in `file`, completed by the light one if it loses what the photo's border cuts; without the file the
    light one; without its package none.

    Raises:
        WeightsError: the file is there and is not such a model.
    """
    light = light_model()
    if not file.is_file():
        return None if light is None else LightMatting(light)
    matting = OnnxMatting(file, providers)
    if light is None or matting.network.known is None or not matting.network.known.loses_borders:
        return matting
    from model.perception.merged_matting import MergedMatting

    return MergedMatting(matting, LightMatting(light))


def light_model() -> Path | None:
    """The file of the light model, if a package that has it is installed."""
    package = find_spec("mediapipe")
    if package is None or not package.submodule_search_locations:
        return None
    file = Path(package.submodule_search_locations[0]) / _LIGHT_MODEL
    return file if file.is_file() else None


class OnnxMatting:
    """The operator's model.

    Raises:
        WeightsError: the file cannot be read or is not such a model.
    """

    def __init__(self, file: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> None:
        self.network = OnnxNetwork(file, providers, _CONVENTION)
        shape = self.network.output_shape
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != 1):
            raise WeightsError(f"{file}: the output is {shape}, expected [1, 1, h, w]")
        self._check_plain_picture()

    def alpha(self, picture: Image.Image) -> Image.Image:
        return self._alpha(self.network.run(self.network.stretched(picture))[0], picture.size)

    def _alpha(self, answer: Floats, size: Size) -> Image.Image:
        if self.network.profile.activation == "sigmoid":
            return alpha_from_logits(answer, size)
        return _alpha(answer.clip(0, 1), size)

    def _check_plain_picture(self) -> None:
        """Nobody is on a plain dark picture, so somewhere alpha is low; and logits there are not all in 0..1."""
        network = self.network
        answer = network.run(np.full((network.height, network.width, 3), _PLAIN_LEVEL, np.uint8))
        if answer.ndim != 3 or answer.shape[0] != 1:
            raise WeightsError(f"{network.file}: the output is {[1, *answer.shape]}, expected [1, 1, h, w]")
        low, high = float(answer.min()), float(answer.max())
        if network.profile.activation == "sigmoid" and low >= 0 and high <= 1:
            raise WeightsError(
                f"{network.file}: its output is read as logits, but lies in {low:.2f}..{high:.2f} on a plain picture: "
                f'these are shares already; say "activation": "none" in {network.file.with_suffix(".json").name}'
            )
        least = np.asarray(self._alpha(answer[0], (network.width, network.height))).min() / 255
        if least > _LEAST_ALPHA:
            raise WeightsError(
                f"{network.file}: finds somebody all over a plain picture (alpha is at least {least:.2f}): it is no "
                "matting network, or is not asked as it must be"
            )


def alpha_from_logits(logits: Floats, size: Size) -> Image.Image:
    """Logits (h, w) as alpha of `size`. Levels are cut off, not rounded, as published."""
    with np.errstate(over="ignore"):  # exp of a large number is infinite, and its reciprocal the 0 it should be
        return _alpha(1 / (1 + np.exp(-logits)), size)


class LightMatting:
    """Selfie segmentation.

    Args:
        file: the TensorFlow Lite model.
    """

    def __init__(self, file: Path) -> None:
        self._network = cv2.dnn.readNetFromTFLite(str(file))
        self._turn = Lock()  # the network holds its input

    def alpha(self, picture: Image.Image) -> Image.Image:
        side = (_LIGHT_SIDE, _LIGHT_SIDE)
        levels = np.asarray(picture.resize(side, Resampling.BILINEAR), dtype=np.float32) / 255
        with self._turn:
            self._network.setInput(np.ascontiguousarray(levels.transpose(2, 0, 1)[None]))
            shares: RawPlane = self._network.forward()[0, 0]  # (256, 256) in 0..1
        return _alpha(shares, picture.size)


def _alpha(shares: RawPlane, size: Size) -> Image.Image:
    return Image.fromarray((shares * 255).astype(np.uint8)).resize(size, Resampling.BICUBIC)
