"""Poses from the published kinds of files, in the two numberings that engines ask for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model.errors import WeightsError
from model.perception.boxes import PersonBox, largest_area
from model.perception.pose import open_pose
from model.perception.skeletons import COCO_18, body_25, coco_18
from model.perception.yolox import Yolox
from tests.model.perception.pose_networks import write_blaze, write_detector, write_simcc

SPOTS = ((250, 300), (310, 420), (280, 500))  # red, green, blue
BOX: PersonBox = (200, 250, 360, 560)


def spots() -> Image.Image:
    """A dark photo with a small spot of each pure colour, each at its own place."""
    photo = Image.new("RGB", (640, 700))
    draw = ImageDraw.Draw(photo)
    for i, (x, y) in enumerate(SPOTS):
        colour = [0, 0, 0]
        colour[i] = 255
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=tuple(colour))
    return photo


@pytest.mark.parametrize("joints", [17, 26, 133])
@pytest.mark.parametrize("size", [(192, 256), (288, 384)])
def test_simcc_votes_are_places_in_the_photo(tmp_path: Path, joints: int, size: tuple[int, int]) -> None:
    write_simcc(tmp_path / "perception/pose.onnx", joints, *size)
    network = open_pose(tmp_path)
    assert network is not None
    pose = network.pose(spots(), BOX)
    assert pose is not None
    reach = 1.25 * (BOX[3] - BOX[1]) / size[1]  # photo pixels a pixel of the input
    for joint, (x, y, confidence) in enumerate(pose.joints):
        assert np.abs(np.array([x, y]) - SPOTS[joint % 3]).max() < 4 + reach
        assert confidence == 1  # votes above one count as one
    assert pose.coco_18.shape == (18, 3)
    assert pose.body_25.shape == (25, 3)
    assert (pose.body_25[19:, 2] > 0).all() == (joints > 17)  # feet


def test_a_box_at_the_border_is_seen_with_black_beside_it(tmp_path: Path) -> None:
    write_simcc(tmp_path / "perception/pose.onnx", 17)
    network = open_pose(tmp_path)
    assert network is not None
    photo = spots().crop((240, 290, 640, 700))
    pose = network.pose(photo, (0, 0, 120, 260))
    assert pose is not None
    assert np.abs(pose.joints[0, :2] - (10, 10)).max() < 6


def test_blaze_pose_gives_its_points_in_the_photo_and_nobody_below_one_half(tmp_path: Path) -> None:
    points = np.zeros((39, 5))
    points[:, 0], points[:, 1], points[:, 3] = np.linspace(0, 255, 39), 128, 20
    points[5, 3] = -20
    file = write_blaze(tmp_path / "perception/pose.onnx", points, 0.9)
    network = open_pose(tmp_path)
    assert network is not None
    pose = network.pose(spots(), (100, 100, 300, 300))
    assert pose is not None
    np.testing.assert_allclose(pose.joints[0, :2], (75, 200), atol=1)
    np.testing.assert_allclose(pose.joints[32, 0], 75 + 250 * (255 * 32 / 38) / 256, atol=1)
    assert pose.joints[4, 2] > 0.99
    assert pose.joints[5, 2] < 0.01
    write_blaze(file, points, 0.4)
    nobody = open_pose(tmp_path)
    assert nobody is not None
    assert nobody.pose(spots(), (100, 100, 300, 300)) is None


def test_no_file_no_pose(tmp_path: Path) -> None:
    assert open_pose(tmp_path) is None


def test_another_number_of_joints_is_refused(tmp_path: Path) -> None:
    write_simcc(tmp_path / "perception/pose.onnx", 21)
    with pytest.raises(WeightsError, match=r"with K of 17, 26, 133 joints"):
        open_pose(tmp_path)


def numbered(count: int) -> np.ndarray:
    """Joint i lies at (i, 10 i) with a confidence of its own."""
    index = np.arange(count)
    return np.stack([index, 10 * index, 0.5 + index / 1000], axis=1)


@pytest.mark.parametrize(
    ("count", "places"),
    [
        (17, {"nose": 0, "neck": 5.5, "right_shoulder": 6, "left_wrist": 9, "left_ankle": 15, "left_ear": 3}),
        (133, {"nose": 0, "neck": 5.5, "right_elbow": 8, "left_hip": 11, "right_eye": 2}),
        (26, {"nose": 0, "neck": 18, "right_wrist": 10, "left_knee": 13, "right_ear": 4}),
        (33, {"nose": 0, "neck": 11.5, "right_hip": 24, "left_ankle": 27, "left_eye": 2}),
        (25, {"nose": 0, "neck": 1, "right_hip": 9, "left_hip": 12, "left_ear": 18}),
        (18, {"nose": 0, "left_ear": 17}),
    ],
)
def test_joints_are_renumbered(count: int, places: dict[str, float]) -> None:
    joints = coco_18(numbered(count))
    for name, place in places.items():
        assert joints[COCO_18.index(name), :2].tolist() == [place, 10 * place]


def test_body_25_has_the_middle_of_the_hips_and_feet_where_there_are_any() -> None:
    assert body_25(numbered(17))[8, :2].tolist() == [11.5, 115]
    assert (body_25(numbered(17))[19:] == 0).all()
    assert body_25(numbered(26))[19:, 0].tolist() == [20, 22, 24, 21, 23, 25]
    assert body_25(numbered(133))[19:, 0].tolist() == [17, 18, 19, 20, 21, 22]


def test_the_middle_of_a_missing_joint_is_missing() -> None:
    joints = numbered(17)
    joints[5] = 0
    assert coco_18(joints)[1].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="21 joints"):
        coco_18(numbered(21))


def test_the_largest_area_is_a_box_and_a_speck_is_none() -> None:
    mask = np.zeros((100, 80), np.bool_)
    assert largest_area(mask) is None
    mask[5, 5] = True
    assert largest_area(mask[:30, :30]) == (5, 5, 6, 6)
    assert largest_area(mask) is None
    mask[20:50, 30:44] = True
    assert largest_area(mask) == (30, 20, 44, 50)


def test_the_detector_gives_people_the_largest_first_and_nobody_twice(tmp_path: Path) -> None:
    side, strides = 64, (8, 16, 32)
    rows = np.full((sum((side // stride) ** 2 for stride in strides), 5 + 80), 0.0)
    rows[:, 2:4] = -5

    def put(cell: int, centre: tuple[float, float], size: tuple[float, float], score: float, kind: int = 0) -> None:
        stride = 8
        grid = cell % 8, cell // 8
        rows[cell, :2] = np.array(centre) / stride - grid
        rows[cell, 2:4] = np.log(np.array(size) / stride)
        rows[cell, 4], rows[cell, 5 + kind] = 1, score

    put(9, (12, 12), (8, 16), 0.9)
    put(10, (13, 12), (8, 16), 0.8)  # the same person
    put(30, (44, 30), (16, 40), 0.7)
    put(40, (50, 50), (20, 20), 0.9, kind=15)  # a cat
    put(50, (30, 55), (6, 6), 0.2)  # hardly anything
    detector = Yolox(write_detector(tmp_path / "detector.onnx", rows, side))
    people = detector.people(Image.new("RGB", (128, 100)))
    np.testing.assert_allclose(people, [(72, 20, 104, 100), (16, 8, 32, 40)], atol=1e-3)


def test_a_detector_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected \[1, 84, 5 \+ classes\]"):
        Yolox(write_detector(tmp_path / "detector.onnx", np.zeros((80, 85))))
