"""MobileNet-SSD's Caffe files as a detector of people, where OpenCV reads such files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model.errors import WeightsError
from model.perception.check import check_perception
from model.perception.detectors import open_detector
from model.perception.mobilenet_ssd import MobileNetSsd
from tests.model.perception.caffe_networks import write_caffe

reads_caffe = pytest.mark.skipif(not hasattr(cv2.dnn, "readNetFromCaffe"), reason="this OpenCV reads no Caffe models")

FILE = "perception/detector.caffemodel"
FOUND = np.array(
    [
        [0, 15, 0.5, 0.1, 0.2, 0.4, 0.8],
        [0, 15, 0.4, 0.11, 0.2, 0.4, 0.8],  # the same person
        [0, 15, 0.8, 0.5, -0.2, 1.25, 0.9],  # leaves the picture
        [0, 7, 0.9, 0.0, 0.0, 0.3, 0.3],  # a car
        [0, 15, 0.1, 0.0, 0.9, 0.1, 1.0],  # hardly anything
    ]
)


@reads_caffe
def test_people_come_the_largest_first_and_nobody_twice(tmp_path: Path) -> None:
    write_caffe(tmp_path / FILE, FOUND)
    detector = open_detector(tmp_path)
    assert detector is not None
    people = detector.people(Image.new("RGB", (400, 200)))
    np.testing.assert_allclose(people, [(200, 0, 400, 180), (40, 40, 160, 160)], atol=1e-3)


@reads_caffe
def test_levels_are_asked_about_from_minus_one_to_one_and_red_comes_first(tmp_path: Path) -> None:
    detector = MobileNetSsd(write_caffe(tmp_path / FILE, FOUND[:1], surer_by_red=0.25))
    for colour, count in (((255, 0, 0), 1), ((128, 0, 0), 1), ((0, 255, 255), 0)):
        assert len(detector.people(Image.new("RGB", (50, 80), colour))) == count


@reads_caffe
def test_other_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"output is \[1, 1, 5, 6\], expected \[1, 1, N, 7\]"):
        MobileNetSsd(write_caffe(tmp_path / FILE, FOUND[:, :6]))
    (tmp_path / FILE).write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"detector\.caffemodel: "):
        MobileNetSsd(tmp_path / FILE)
    (tmp_path / FILE).with_suffix(".prototxt").write_text("no network")
    with pytest.raises(WeightsError, match=r"detector\.caffemodel: "):
        MobileNetSsd(tmp_path / FILE)


@reads_caffe
def test_check_names_it(tmp_path: Path) -> None:
    write_caffe(tmp_path / FILE, FOUND)
    report = check_perception(tmp_path)
    assert report is not None
    assert report.described == {FILE: "its own format"}


def test_weights_without_their_network_are_refused(tmp_path: Path) -> None:
    write_caffe(tmp_path / FILE, FOUND).with_suffix(".prototxt").unlink()
    with pytest.raises(WeightsError, match=r"detector\.prototxt, which says what its weights are of, is not beside it"):
        open_detector(tmp_path)


def test_a_pointer_in_its_place_is_called_one(tmp_path: Path) -> None:
    write_caffe(tmp_path / FILE, FOUND).write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(WeightsError, match=r"detector\.caffemodel: is a Git LFS pointer"):
        open_detector(tmp_path)


def test_an_opencv_without_a_reader_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_caffe(tmp_path / FILE, FOUND)
    monkeypatch.delattr(cv2.dnn, "readNetFromCaffe", raising=False)
    with pytest.raises(WeightsError, match=r"pip install 'opencv-python-headless<5', or bring detector\.onnx"):
        open_detector(tmp_path)
