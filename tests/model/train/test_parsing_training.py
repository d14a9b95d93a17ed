"""Training the networks that label people and find their joints: they learn, stop and go on, and write their files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from model.perception.files import label_map_files
from model.perception.parsing import Parsing
from model.perception.pose import open_pose
from model.train.kinds import read_settings
from model.train.loop import train
from model.train.parsing.export import NetworkInterface, write_onnx
from model.train.parsing.labelled import labelled_photos
from model.train.parsing.losses import class_weights, total_loss
from model.train.parsing.network import HEIGHT, STRIDE, WIDTH, ParsingNetwork
from model.train.parsing.people import MAPS, ParsedPeople, kept_people, make_people
from model.train.parsing.scores import score
from model.train.parsing.settings import PerceptionTraining
from model.train.parsing.source import VARIATIONS, VariedPhotos
from model.train.parsing.task import ParsingTask, unvaried_batch, varied_batch
from model.train.pose.task import PoseTask
from model.train.warp.settings import WarpTraining
from tests.model.tryon.labelled import draw_labelled, write_networks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the people of all tests are kept: number 3 of each seed is somebody, 0 nobody and 1 a garment."""
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def people(folder: Path) -> list[ParsedPeople]:
    torch.set_num_threads(1)
    return kept_people(folder, 4, 5, (48, 64))


def quick(folder: Path, out: Path, **changes: Any) -> PerceptionTraining:
    settings: dict[str, Any] = {
        "data": folder,
        "out": out,
        "people": 4,
        "unseen": 4,
        "people_seed": 5,
        "processes": 1,
        "max_steps": 2,
        "batch_size": 2,
        "warmup_steps": 1,
        "log_steps": 1,
        "picture_steps": 0,
        "mixed_precision": "no",
        "device": "cpu",
    } | changes
    return PerceptionTraining.model_validate(settings)


# -- people ------------------------------------------------------------------------------------------------------


def test_people_are_made_once_and_are_those_of_their_seed(folder: Path, people: list[ParsedPeople]) -> None:
    (part,) = people
    assert part.photos.shape == (8, 64, 48, 3)  # each painted twice
    again = [photo for number in range(4) for photo in labelled_photos(5, number, 48, 64)]
    assert all((photo.photo == kept).all() for photo, kept in zip(again, part.photos, strict=True))
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.npy")}
    kept_people(folder, 4, 5, (48, 64))
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.npy")} == before


def test_empty_rooms_have_no_labels_and_clothes_alone_no_body(people: list[ParsedPeople]) -> None:
    labels, joints = people[0].labels, people[0].joints
    densepose, lip, atr = labels.swapaxes(0, 1)
    assert not labels[:2].any()
    assert not densepose[2:6].any()
    assert lip[2:6].any((1, 2)).all()
    assert atr[2:6].any((1, 2)).all()
    assert not joints[:6].any()
    assert densepose[6:].any((1, 2)).all()
    assert (joints[6:, :, 2] > 0).sum() > 4
    assert (labels.max((0, 2, 3)) < list(MAPS.values())).all()


def test_joints_lie_on_the_person_and_paintings_share_them(people: list[ParsedPeople]) -> None:
    part = people[0]
    assert (part.joints[6] == part.joints[7]).all()
    assert (part.photos[6] != part.photos[7]).any()
    x, y = part.joints[6, part.joints[6, :, 2] == 1, :2].astype(int).T
    assert (part.labels[6, 0, y, x] > 0).mean() > 0.8


def test_a_number_is_always_the_same_sample(people: list[ParsedPeople]) -> None:
    source = VariedPhotos(people, varied_batch)
    assert len(source) == 8 * VARIATIONS
    first, again, other = (source.batch(numbers) for numbers in ([601, 700], [601, 700], [602, 700]))
    assert torch.equal(first.pictures, again.pictures)
    assert torch.equal(first.labels, again.labels)
    assert first.pictures.shape != other.pictures.shape or not torch.equal(first.pictures, other.pictures)


# -- labels ------------------------------------------------------------------------------------------------------


def test_rare_classes_weigh_more_within_limits() -> None:
    labels = np.zeros((1, 3, 100, 100), np.uint8)
    labels[:, :, :10] = 2
    labels[:, :, 0, 0] = 4
    photos, joints = np.zeros((1, 100, 100, 3), np.uint8), np.zeros((1, 18, 3), np.float32)
    for weight in class_weights([ParsedPeople(photos, labels, joints)]):
        assert weight[0] < weight[2] < weight[4] <= 8
        assert weight[2] / weight[0] == pytest.approx(3, rel=0.01)


def test_it_learns(folder: Path, tmp_path: Path, people: list[ParsedPeople]) -> None:
    task = ParsingTask(quick(folder, tmp_path), torch.device("cpu"))
    batch = unvaried_batch([(people[0], i) for i in (2, 6)])
    weights = class_weights(people)
    optimiser = torch.optim.AdamW(task.module.parameters(), 3e-3)
    for _ in range(12):
        loss = total_loss(task.module(batch.pictures), batch.labels, weights)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert loss.item() < 0.7 * sum(math.log(classes) for classes in MAPS.values())


def test_a_training_writes_files_that_are_served_and_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    train(quick(folder, tmp_path / "at_once"))
    train(quick(folder, tmp_path / "stopped", max_steps=1, schedule="constant"))
    train(quick(folder, tmp_path / "stopped", schedule="constant"))
    assert (tmp_path / "stopped-checkpoints/step-00000002.pt").is_file()
    for file, classes in label_map_files(tmp_path / "at_once").items():
        assert Parsing(file, classes).labels(Image.new("RGB", (30, 40))).shape == (40, 30)
    assert sum(file.stat().st_size for file in label_map_files(tmp_path / "at_once")) < 6.5e6


def test_what_is_trained_says_whose_it_is(folder: Path, tmp_path: Path) -> None:
    told = {"data": str(folder), "out": str(tmp_path), "max_steps": "1"}
    assert isinstance(read_settings({**told, "what": "pose"}), PerceptionTraining)
    assert isinstance(read_settings({**told, "what": "warp"}), WarpTraining)
    with pytest.raises(ValidationError, match="'tryon' needs 'start'"):
        read_settings({**told, "what": "tryon"})


def test_files_that_find_the_truth_score_one_and_random_ones_little(tmp_path: Path) -> None:
    write_networks(tmp_path)
    files = label_map_files(tmp_path).items()
    truth = [Parsing(file, classes).labels(draw_labelled((192, 256))) for file, classes in files]
    joints = np.zeros((1, 18, 3), np.float32)
    drawn = ParsedPeople(np.asarray(draw_labelled((192, 256)))[None], np.stack(truth)[None], joints)
    perfect = score(tmp_path, drawn)
    assert perfect.maps == pytest.approx(dict.fromkeys(MAPS, 1.0))
    assert perfect.masks["upper"] == 1.0
    assert perfect.milliseconds > 0
    for number, (file, classes) in enumerate(files):
        logits = {"logits": [1, classes, HEIGHT // STRIDE, WIDTH // STRIDE]}
        interface = NetworkInterface((WIDTH, HEIGHT), logits, {"geometry": "stretch"})
        write_onnx(ParsingNetwork(list(MAPS.values())).alone(number), interface, file)
    stranger = score(tmp_path, drawn)
    assert max(stranger.maps.values()) < 0.3


# -- joints ------------------------------------------------------------------------------------------------------


def test_joints_are_learned_and_found_where_the_photo_shows_them(folder: Path, tmp_path: Path) -> None:
    task = PoseTask(quick(folder, tmp_path, what="pose", learning_rate=1e-2), torch.device("cpu"))
    batch = task.source.batch([601, 650, 700, 751])  # the one person there is
    optimiser = torch.optim.AdamW(task.module.parameters(), 3e-3)
    losses = []
    for step in range(10):
        loss = task.loss(task.module, batch, torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.75 * losses[0]


def test_the_written_pose_network_is_read_as_published_ones_are(folder: Path, tmp_path: Path) -> None:
    train(quick(folder, tmp_path, what="pose", max_steps=1))
    network = open_pose(tmp_path)
    assert network is not None
    photo = make_people(1, 3, 96, 128).photos[0]
    pose = network.pose(Image.fromarray(photo), (0, 0, 96, 128))
    assert pose is not None
    assert pose.coco_18.shape == (18, 3)
    assert (tmp_path / "perception/pose.onnx").stat().st_size < 2e6
