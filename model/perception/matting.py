"""Who is in a photo, as soft alpha: a model of the operator's, or a light one that comes with a package.

The operator's is an ONNX file of BiRefNet's convention. Input: one float32 tensor (1, 3, H, W), 1024 x 1024 where the
file does not fix it; the photo is stretched to it whatever its aspect. Its last output: logits, (1, 1, h, w) of any h
and w. Keys of its `metadata_props`, each optional:

    mean, std       three numbers each, "0.485, 0.456, 0.406", of red, green and blue:
                    input = (level / 255 - mean) / std; ImageNet's where absent

The light one is the selfie segmentation inside the package mediapipe 0.10.21, read by OpenCV; mediapipe itself is
never imported. It sees 256 x 256 pixels, so its borders are soft and thin things (straps, fingers) may be missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from pydantic import BaseModel

from model.errors import WeightsError
from model.perception.onnx_file import Provider, Three, ThreePositive, open_session, read_preparation

_SIDE = 1024
_LIGHT_SIDE = 256
_LIGHT_MODEL = "modules/selfie_segmentation/selfie_segmentation.tflite"

Size = tuple[int, int]  # width, height
Floats = NDArray[np.float32]
Plane = NDArray[Any]  # (H, W)


class Matting(Protocol):
    """Something that finds people. May be asked from several threads."""

    def alpha(self, picture: Image.Image) -> Image.Image:
        """How much each pixel of an RGB picture belongs to people: of its size and mode L, 255 for wholly."""


def open_matting(file: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> Matting | None:
    """The model in `file`; without the file the light one; without its package none.

    Raises:
        WeightsError: the file is there and is not such a model.
    """
    if file.is_file():
        return OnnxMatting(file, providers)
    light = light_model()
    return None if light is None else LightMatting(light)


def light_model() -> Path | None:
    """The file of the light model, if a package that has it is installed."""
    package = find_spec("mediapipe")
    if package is None or not package.submodule_search_locations:
        return None
    file = Path(package.submodule_search_locations[0]) / _LIGHT_MODEL
    return file if file.is_file() else None


class Preparation(BaseModel):
    """The file's metadata."""

    mean: Three = (0.485, 0.456, 0.406)
    std: ThreePositive = (0.229, 0.224, 0.225)


class OnnxMatting:
    """The operator's model.

    Raises:
        WeightsError: the file cannot be read or is not such a model.
    """

    def __init__(self, file: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> None:
        self.session = open_session(file, providers)
        self.preparation = read_preparation(file, self.session, Preparation)
        self.size = _input_size(file, self.session)
        self._input: str = self.session.get_inputs()[0].name
        self._output: str = self.session.get_outputs()[-1].name

    def alpha(self, picture: Image.Image) -> Image.Image:
        tensor = network_input(picture, self.size, self.preparation)
        logits = self.session.run([self._output], {self._input: tensor})[0]
        return alpha_from_logits(logits[0, 0], picture.size)


def _input_size(file: Path, session: Any) -> Size:
    tensors = session.get_inputs()
    shape, output = tensors[0].shape, session.get_outputs()[-1].shape
    if len(tensors) != 1 or tensors[0].type != "tensor(float)" or len(shape) != 4 or shape[1] != 3:
        raise WeightsError(f"{file}: the input is {tensors[0].type} {shape}, expected one float tensor [1, 3, H, W]")
    if len(output) != 4 or output[1] != 1:
        raise WeightsError(f"{file}: the last output is {output}, expected [1, 1, h, w]")
    height, width = (side if isinstance(side, int) else _SIDE for side in shape[2:])
    return width, height


def network_input(picture: Image.Image, size: Size, preparation: Preparation) -> Floats:
    """An RGB picture stretched to `size` and normalised: (1, 3, H, W)."""
    levels = np.asarray(picture.resize(size, Resampling.BILINEAR), dtype=np.float32) / 255  # (H, W, 3)
    normal = (levels - np.array(preparation.mean, np.float32)) / np.array(preparation.std, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None])


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
            shares: Plane = self._network.forward()[0, 0]  # (256, 256) in 0..1
        return _alpha(shares, picture.size)


def _alpha(shares: Plane, size: Size) -> Image.Image:
    return Image.fromarray((shares * 255).astype(np.uint8)).resize(size, Resampling.BICUBIC)
