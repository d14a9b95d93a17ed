"""MobileNet-SSD's Caffe files as a detector of people, where an OpenCV is there that reads such files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from model.errors import WeightsError
from model.perception.detectors import open_detector
from tests.model.perception.caffe_networks import write_caffe
from tests.model.perception.caffe_people import Found, found_by_opencv_4

FILE = "perception/detector.caffemodel"
ROWS = np.array(
    [
        [0, 15, 0.5, 0.1, 0.2, 0.4, 0.8],
        [0, 15, 0.4, 0.11, 0.2, 0.4, 0.8],  # the same person
        [0, 15, 0.8, 0.5, -0.2, 1.25, 0.9],  # leaves the picture
        [0, 7, 0.9, 0.0, 0.0, 0.3, 0.3],  # a car
        [0, 15, 0.1, 0.0, 0.9, 0.1, 1.0],  # hardly anything
    ]
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Found:
    root = tmp_path_factory.mktemp("caffe")
    write_caffe(root / "people" / FILE, ROWS)
    write_caffe(root / "by_colour" / FILE, ROWS[:1], surer_by_red=0.25)
    write_caffe(root / "another" / FILE, ROWS[:, :6])
    write_caffe(root / "no_weights" / FILE, ROWS).write_bytes(b"no weights")
    write_caffe(root / "no_network" / FILE, ROWS).with_suffix(".prototxt").write_text("no network")
    found = found_by_opencv_4(sorted(root.iterdir()))
    if found is None:
        pytest.skip("no OpenCV that reads Caffe models is there: make setup")
    return found


def test_people_come_the_largest_first_and_nobody_twice(answers: Found) -> None:
    for people in answers["people"]:
        np.testing.assert_allclose(np.array(people), [(200, 0, 400, 180), (40, 40, 160, 160)], atol=1e-3)


def test_levels_are_asked_about_from_minus_one_to_one_and_red_comes_first(answers: Found) -> None:
    assert [len(people) for people in answers["by_colour"]] == [1, 1, 0]  # bright red, half of it, none


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("another", "the output is [1, 1, 5, 6], expected [1, 1, N, 7]"),
        ("no_weights", f"{FILE}: "),
        ("no_network", f"{FILE}: "),
    ],
)
def test_other_networks_are_refused(answers: Found, folder: str, said: str) -> None:
    assert said in answers[folder]


def test_weights_without_their_network_are_refused(tmp_path: Path) -> None:
    write_caffe(tmp_path / FILE, ROWS).with_suffix(".prototxt").unlink()
    with pytest.raises(WeightsError, match=r"detector\.prototxt, which says what its weights are of, is not beside it"):
        open_detector(tmp_path)


def test_a_pointer_in_its_place_is_called_one(tmp_path: Path) -> None:
    write_caffe(tmp_path / FILE, ROWS).write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(WeightsError, match=r"detector\.caffemodel: is a Git LFS pointer"):
        open_detector(tmp_path)


def test_an_opencv_without_a_reader_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_caffe(tmp_path / FILE, ROWS)
    monkeypatch.delattr(cv2.dnn, "readNetFromCaffe", raising=False)
    with pytest.raises(WeightsError, match=r"pip install 'opencv-python-headless<5', or bring detector\.onnx"):
        open_detector(tmp_path)
