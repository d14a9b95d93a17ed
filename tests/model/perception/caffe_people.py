"""What MobileNet-SSD finds in plain pictures: `python -m tests.model.perception.caffe_people FOLDER...`, as JSON.

A program of its own, because only OpenCV 4 reads Caffe models, and a process has one OpenCV.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
from PIL import Image

from model.errors import WeightsError
from model.perception.detectors import open_detector
from tests.server import ROOT

OPENCV_4 = ROOT / ".venv" / "opencv4"  # where `make setup` puts it, beside the one that is used
SIZE = 400, 200
COLOURS = ((255, 0, 0), (128, 0, 0), (0, 255, 255))

Found = dict[str, list[list[list[float]]] | str]  # folder -> people in each picture, or why there are none


def found_in(folders: Sequence[Path]) -> Found:
    """Of each folder of weights."""
    return {folder.name: _found(folder) for folder in folders}


def found_by_opencv_4(folders: Sequence[Path]) -> Found | None:
    """The same by an OpenCV that reads Caffe models; None where there is none."""
    if hasattr(cv2.dnn, "readNetFromCaffe"):
        return found_in(folders)
    if not OPENCV_4.is_dir():
        return None
    command = [sys.executable, "-m", __name__, *map(str, folders)]
    environment = os.environ | {"PYTHONPATH": str(OPENCV_4)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=180)
    answers: Found = json.loads(done.stdout)
    return answers


def _found(folder: Path) -> list[list[list[float]]] | str:
    try:
        detector = open_detector(folder)
    except WeightsError as error:
        return error.message
    assert detector is not None
    return [[list(box) for box in detector.people(Image.new("RGB", SIZE, colour))] for colour in COLOURS]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(found_in([Path(name) for name in sys.argv[1:]])))
