"""Networks that find people, and the file that is there of them.

detector.onnx           YOLOX
detector.caffemodel     MobileNet-SSD, with detector.prototxt beside it
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image

from model.perception.boxes import PersonBox
from model.perception.files import DETECTOR_FILES
from model.perception.mobilenet_ssd import MobileNetSsd
from model.perception.onnx_file import Provider
from model.perception.yolox import Yolox


class Detector(Protocol):
    """Something that finds people. May be asked from several threads."""

    def people(self, picture: Image.Image) -> list[PersonBox]:
        """Everybody in an RGB picture, the largest first."""


def open_detector(weights: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> Detector | None:
    """The detector whose file is there, the first of `DETECTOR_FILES` that is; None without any.

    Raises:
        WeightsError: the file cannot be read or is no such network.
    """
    file = next((weights / name for name in DETECTOR_FILES if (weights / name).is_file()), None)
    return None if file is None else open_detector_file(file, providers)


def open_detector_file(file: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> Detector:
    """The detector in one of `DETECTOR_FILES`.

    Raises:
        WeightsError: it cannot be read or is no such network.
    """
    return MobileNetSsd(file) if file.suffix == ".caffemodel" else Yolox(file, providers)
