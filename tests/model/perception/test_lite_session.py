"""BlazePose as its package ships it: a TensorFlow Lite file, run by LiteRT where that is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.errors import WeightsError
from model.perception.check import check_perception
from model.perception.lite_session import LiteSession
from model.perception.pose import open_pose

POSE_FILE = "perception/pose.tflite"


def write(weights: Path) -> Path:
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    from tests.model.perception.lite_networks import write_lite_blaze

    points, by_red = np.zeros((39, 5)), np.zeros((39, 5))
    points[:, 0], points[:, 1], points[:, 3] = np.linspace(0, 255, 39), 64, 20
    points[5, 3] = -20
    by_red[:, 1] = 128
    return write_lite_blaze(weights / POSE_FILE, points, by_red)


def test_points_of_the_published_format_are_places_in_the_photo(tmp_path: Path) -> None:
    write(tmp_path)
    network = open_pose(tmp_path)
    assert network is not None
    pose = network.pose(Image.new("RGB", (400, 300), (255, 0, 204)), (100, 50, 300, 250))
    assert pose is not None
    np.testing.assert_allclose(pose.joints[0, :2], (75, 25 + 250 * (64 + 128) / 256), atol=0.5)
    np.testing.assert_allclose(pose.joints[32, 0], 75 + 250 * (255 * 32 / 38) / 256, atol=0.5)
    assert pose.joints[4, 2] > 0.99
    assert pose.joints[5, 2] < 0.01
    assert network.pose(Image.new("RGB", (400, 300), (255, 0, 0)), (100, 50, 300, 250)) is None


def test_check_says_how_it_is_asked(tmp_path: Path) -> None:
    write(tmp_path)
    report = check_perception(tmp_path)
    assert report is not None
    assert report.described == {POSE_FILE: "asked as built-in profile 'BlazePose' says"}


def test_outputs_come_in_the_order_asked_for(tmp_path: Path) -> None:
    session = LiteSession(write(tmp_path))
    picture = {"input_1": np.full((1, 256, 256, 3), 0.5, np.float32)}
    sure, points = session.run(["Identity_1", "Identity"], picture)
    assert (sure.shape, points.shape) == ((1, 1), (1, 195))
    assert [answer.shape for answer in session.run(None, picture)] == [(1, 195), (1, 1)]
    np.testing.assert_allclose(sure, 0.5)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"no network", "pose.tflite: "), (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer")],
)
def test_what_is_no_network_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    write(tmp_path).write_bytes(content)
    with pytest.raises(WeightsError, match=said):
        open_pose(tmp_path)


def test_without_the_runtime_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / POSE_FILE
    file.parent.mkdir()
    file.write_bytes(b"TFL3")
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(WeightsError, match=r"pose\.tflite: .* pip install 'ai-edge-litert>=2,<3'"):
        open_pose(tmp_path)
