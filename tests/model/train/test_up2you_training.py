"""UP2You's networks between photos and views: their truth, their losses, and a short training of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from model.engines.up2you.features import weights as feature_weights
from model.engines.up2you.features.aggregator import FeatureAggregator
from model.engines.up2you.files import FEATURE_AGGREGATOR, SHAPE_PREDICTOR
from model.synthetic.datasets.loose_photos import somebody
from model.train.kinds import read_settings
from model.train.loop import train
from model.train.up2you.aggregator_task import AggregatorTask
from model.train.up2you.correspondence import true_weights
from model.train.up2you.people import PeoplePhotos
from model.train.up2you.settings import UP2YouTraining
from model.train.up2you.shape_task import ShapeTask
from model.weights.pack import DEMO

SIZE, CPU = 32, torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


def settings(data: Path, out: Path, **given: Any) -> UP2YouTraining:
    small = {"data": data, "out": out, "people": 2, "unseen": 1, "size": SIZE, "pose_size": 32, "batch_size": 2}
    quick = {"max_steps": 3, "warmup_steps": 0, "learning_rate": 1e-3, "log_steps": 1, "picture_steps": 0}
    found = read_settings({"engine": "up2you", **small, **quick, "device": "cpu", **given})
    assert isinstance(found, UP2YouTraining)
    return found


def test_a_sample_is_a_few_photos_of_somebody_with_the_true_shape(data: Path) -> None:
    source = PeoplePhotos(data, first=0, people=2, size=SIZE)
    people = source.batch([0, 3])
    assert 3 <= people.photos.shape[1] <= 5
    assert people.photos.shape[2:] == (3, SIZE, SIZE)
    assert people.seeds.tolist() == [0, 1]
    assert torch.equal(people.betas[1], torch.from_numpy(somebody(1).betas))
    empty = people.alphas == 0
    assert torch.allclose(people.photos.movedim(2, -1)[empty], torch.tensor(0.5))
    assert torch.equal(people.photos, source.batch([0, 3]).photos)


def test_the_loss_of_the_true_shape_is_nothing_and_of_another_that_of_its_vertices(data: Path, tmp_path: Path) -> None:
    task = ShapeTask(settings(data, tmp_path / "out"), CPU)
    people = task.source.batch([0, 3])

    class Said(torch.nn.Module):
        def __init__(self, betas: Tensor) -> None:
            super().__init__()
            self.betas = betas

        def forward(self, features: Tensor) -> Tensor:
            return self.betas

    draw = torch.Generator()
    assert task.loss(Said(people.betas), people, draw).item() == 0
    other = people.betas.clone()
    other[1, 0] += 1
    step = task._body.shape_directions[..., 0].square().sum()
    assert task.loss(Said(other), people, draw).item() == pytest.approx(1 / 20 + step.item(), rel=1e-4)


def test_true_weights_are_where_photos_show_what_a_view_asks_for() -> None:
    layers = torch.tensor([[[1, 1], [2, 0]], [[0, 1], [0, 0]]])  # two photos of 2 x 2
    places = torch.zeros(2, 3, 2, 2)
    places[0, 0, 0, 1] = 1.0  # far from the view's pixel
    views = torch.tensor([[1, 0], [3, 3]]), torch.zeros(2, 2, 3)
    weights = true_weights(layers, places, views, grid=2)
    assert weights.shape == (2, 2, 2, 2)
    assert weights[0].flatten().tolist() == pytest.approx([4, 0, 0, 0, 0, 4, 0, 0], abs=1e-4)
    assert weights[1].abs().max() == 0  # a layer that no photo shows


def test_a_back_is_told_by_photos_of_the_back(data: Path, tmp_path: Path) -> None:
    task = AggregatorTask(settings(data, tmp_path / "out", what="aggregator"), CPU)
    people = task.source.batch([0])
    _, layers, places = task._views.of(0)
    weights = true_weights(people.layers[0], people.places[0], (layers, places), grid=16)
    depth = people.places[0][:, 2, ::1, ::1]
    middles = ((torch.arange(16) + 0.5) / 16 * depth.shape[-1]).long()
    behind = depth[:, middles][:, :, middles]
    front, back = (float((weights[view] * behind).sum() / weights[view].sum()) for view in (0, 3))
    assert front > back + 0.02


@pytest.mark.parametrize(("what", "file"), [("shape", SHAPE_PREDICTOR), ("aggregator", FEATURE_AGGREGATOR)])
def test_a_training_lowers_the_loss_and_is_continued(data: Path, tmp_path: Path, what: str, file: str) -> None:
    out = tmp_path / "out"
    train(settings(data, out, what=what, max_steps=6, learning_rate=3e-3, picture_steps=6, ema=0.5))
    train(settings(data, out, what=what, max_steps=8, learning_rate=3e-3, ema=0.5))
    lines = [json.loads(line) for line in (tmp_path / "out-logs/metrics.jsonl").read_text().splitlines()]
    losses = {line["step"]: line["loss"] for line in lines if "loss" in line}
    assert sorted(losses) == [*range(1, 9)]
    assert min(losses[7], losses[8]) < losses[1]
    of_kind = feature_weights.shape_predictor if what == "shape" else feature_weights.feature_aggregator
    before, after = (of_kind(where).load(CPU, torch.float32).state_dict() for where in (DEMO, out))
    assert before.keys() == after.keys()
    assert (out / file).is_file()
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_scores_that_are_cut_off_at_nothing_are_the_weights() -> None:
    network = FeatureAggregator((8, 8, 16), 32, ("self", "cross"), 64, pose_size=32).eval()
    poses, features = torch.rand(2, 3, 32, 32), torch.randn(3, 4, 4, 32)
    assert torch.equal(network(poses, features), network.scores(poses, features).relu())
