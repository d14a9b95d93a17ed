"""TryOnPipeline the parser: it learns, the same way each time, and stops in time."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.perception.files import label_map_files
from model.perception.parsing import Parsing
from model.train.parsing.augmentation import as_seen
from model.train.parsing.export import write_onnx
from model.train.parsing.fitting import Recipe, batch_of, class_weights, fit, total_loss
from model.train.parsing.network import ParsingNetwork, normal
from model.train.parsing.people import MAPS, ParsedPeople, kept_people, make_people
from model.train.parsing.scores import score
from tests.model.tryon.labelled import draw_labelled, write_networks

TINY = Recipe(steps=2, batch=2, warmup=1)


@pytest.fixture(scope="module")
def people() -> ParsedPeople:
    torch.set_num_threads(1)
    return make_people(3, seed=5, width=48, height=64)


def mean_loss(parser: ParsingNetwork, people: ParsedPeople) -> float:
    seen = [as_seen(photo, labels, (96, 128)) for photo, labels in zip(people.photos, people.labels, strict=True)]
    pictures, labels = (torch.from_numpy(np.stack(part)) for part in zip(*seen, strict=True))
    with torch.no_grad():
        return float(total_loss(parser(normal(pictures)), labels.long(), class_weights(people)))


def test_it_learns(people: ParsedPeople) -> None:
    parser = fit(people, Recipe(steps=24, small=1.0, batch=3, warmup=3, ema=0.5))
    unlearned = sum(math.log(classes) for classes in MAPS.values())
    assert mean_loss(parser, people) < 0.85 * unlearned


def test_the_same_recipe_gives_the_same_network(people: ParsedPeople) -> None:
    first, again, other = (fit(people, replace(TINY, seed=seed)).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_without_time_nothing_is_learned(people: ParsedPeople) -> None:
    torch.manual_seed(TINY.seed)
    untouched = ParsingNetwork(list(MAPS.values())).state_dict()
    fitted = fit(people, replace(TINY, minutes=1e-9)).state_dict()
    assert all(torch.equal(tensor, untouched[name]) for name, tensor in fitted.items())


def test_each_step_has_a_batch_of_its_own(people: ParsedPeople) -> None:
    (first, labels), (again, _), (other, _) = (batch_of(people, TINY, step, (96, 128)) for step in (0, 0, 1))
    assert first.shape == (2, 3, 128, 96)
    assert labels.shape == (2, 3, 64, 48)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_rare_classes_weigh_more_within_limits() -> None:
    labels = np.zeros((1, 3, 100, 100), np.uint8)
    labels[:, :, :10] = 2
    labels[:, :, 0, 0] = 4
    for weight in class_weights(ParsedPeople(np.zeros((1, 100, 100, 3), np.uint8), labels)):
        assert weight[0] < weight[2] < weight[4] <= 8
        assert weight[2] / weight[0] == pytest.approx(3, rel=0.01)


def test_people_are_made_once_and_are_those_of_their_seed(people: ParsedPeople, tmp_path: Path) -> None:
    kept = kept_people(tmp_path, 3, 5, 48, 64)
    assert (kept.photos == people.photos).all()
    assert (kept.labels == people.labels).all()
    assert (kept.labels.max((0, 2, 3)) < list(MAPS.values())).all()
    (photos,) = tmp_path.glob("photos*")
    np.save(photos, np.zeros_like(people.photos))
    assert not kept_people(tmp_path, 3, 5, 48, 64).photos.any()


def test_files_that_find_the_truth_score_one_and_random_ones_little(tmp_path: Path) -> None:
    write_networks(tmp_path)
    files = label_map_files(tmp_path).items()
    truth = [Parsing(file, classes).labels(draw_labelled((192, 256))) for file, classes in files]
    drawn = ParsedPeople(np.asarray(draw_labelled((192, 256)))[None], np.stack(truth)[None])
    perfect = score(tmp_path, drawn)
    assert perfect.maps == pytest.approx(dict.fromkeys(MAPS, 1.0))
    assert perfect.masks["upper"] == 1.0
    assert perfect.milliseconds > 0
    for number, (file, classes) in enumerate(files):
        write_onnx(ParsingNetwork(list(MAPS.values())).alone(number), classes, file)
    stranger = score(tmp_path, drawn)
    assert max(stranger.maps.values()) < 0.3
