"""Whether a photo is good enough to learn from: Vesaki's four measures, of which most must pass."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np
from PIL import Image

from model.perception.label_tables import Labels

_FACE = 11  # ATR
_USUAL_FACE = 0.004  # of a picture of somebody from head to foot


@dataclass(frozen=True)
class Thresholds:
    """sharpness: least variance of the Laplacian. darkest, brightest: of the mean grey level. face: least share of a
    usual face that is seen. side: least pixels of the shorter side. needed: how many of the four must pass."""

    sharpness: float = 100.0
    darkest: float = 50.0
    brightest: float = 200.0
    face: float = 0.3
    side: int = 300
    needed: int = 3


@dataclass(frozen=True)
class PhotoQuality:
    """sharpness: variance of the Laplacian. brightness: mean grey level. face: 0..1, how much of a face as large as
    that of somebody seen whole the label network finds. side: pixels of the shorter side."""

    sharpness: float
    brightness: float
    face: float
    side: int

    def passed(self, least: Thresholds) -> dict[str, bool]:
        """By measure."""
        return {
            "sharpness": self.sharpness > least.sharpness,
            "brightness": least.darkest <= self.brightness <= least.brightest,
            "face": self.face > least.face,
            "side": self.side >= least.side,
        }

    def good(self, least: Thresholds) -> bool:
        """Whether enough measures pass."""
        return sum(self.passed(least).values()) >= least.needed

    def as_json(self, least: Thresholds) -> dict[str, object]:
        """With the verdict."""
        return {**asdict(self), "passed": self.passed(least), "kept": self.good(least)}


def quality(photo: Image.Image, atr: Labels) -> PhotoQuality:
    """Of an RGB photo and its labels, of any size."""
    grey = np.asarray(photo.convert("L"))
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    face = min(1.0, float((atr == _FACE).mean()) / _USUAL_FACE)
    return PhotoQuality(sharpness, float(grey.mean()), face, min(photo.size))
