"""The warping try-on's examples, their variations, and a short training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model.clothes.cut import Cut
from model.engines.warp.files import WEIGHTS
from model.engines.warp.grids import sampled
from model.engines.warp.network import WarpNetwork, composed
from model.train.kinds import read_settings
from model.train.loop import train
from model.train.warp.augmentation import mirrored, varied
from model.train.warp.losses import flow_error, losses
from model.train.warp.people import SOURCES, TARGETS, People, kept_people
from model.train.warp.samples import Sample, sample
from model.train.warp.settings import WarpTraining
from model.train.warp.shops import shop_pose
from model.train.warp.source import WarpBatch, WarpSource, longer, tensors
from model.train.warp.task import WarpTask

SIZE = 96, 128
PEOPLE = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def people(data: Path) -> People:
    (part,) = kept_people(data, PEOPLE, 17, SIZE)
    return part


@pytest.fixture(scope="module")
def batch(people: People) -> WarpBatch:
    return tensors([somebody(people, i) for i in range(PEOPLE)])


def somebody(people: People, i: int = 0) -> Sample:
    return sample(people, i, 0, 1, 0, body="bare", found=False)


def settings(data: Path, **given: Any) -> WarpTraining:
    found = read_settings({"engine": "warp", "data": str(data), "people": PEOPLE, "device": "cpu", **given})
    assert isinstance(found, WarpTraining)
    return found


def test_people_are_the_same_for_the_same_seed_and_made_only_once(data: Path, people: People) -> None:
    (again,) = kept_people(data, PEOPLE, 17, SIZE)
    assert np.array_equal(again.photos, people.photos)
    assert people.photos.shape[2] == SOURCES
    assert people.flows.shape[:2] == (PEOPLE, TARGETS)


def test_what_is_kept_of_the_photo_is_true_in_the_other_garment(people: People) -> None:
    for i in range(PEOPLE):
        for painting in range(2):
            one = sample(people, i, painting, 1, 0, body="bare", found=False)
            kept = (one.hole == 0) & (one.cover == 0) & (one.mask == 1)
            apart = np.abs(one.photo.astype(int) - one.truth)[kept]
            assert np.median(apart) == 0  # shadows of the garments are all that differs
            assert apart.mean() < 3


def test_the_mirror_image_of_the_mirror_image_is_the_same(people: People) -> None:
    one = somebody(people)
    twice = mirrored(mirrored(one))
    for name, value in vars(one).items():
        assert np.array_equal(getattr(twice, name), value), name
    assert not np.array_equal(mirrored(one).flow, one.flow)


def test_a_garment_is_still_found_where_the_flow_says_after_any_variation(people: People) -> None:
    errors = []
    for seed in range(24):
        one = varied(somebody(people, seed % PEOPLE), np.random.default_rng(seed))
        made = tensors([one])
        garment, truth = made.seen.garment[:, :3], made.truth
        inside = (made.cover > 0.9) & (made.shown > 0.9) & (made.mask > 0)
        apart = (sampled(garment, made.flow) - truth).abs().mean(1, keepdim=True)[inside].mean()
        wrong = (sampled(garment, made.flow + 0.3) - truth).abs().mean(1, keepdim=True)[inside].mean()
        errors.append((apart.item(), wrong.item()))
    apart_, wrong_ = np.array(errors).T
    assert apart_.mean() < 0.2
    assert apart_.mean() < 0.7 * wrong_.mean()


def test_outfits_that_cover_bare_skin_are_chosen_most(people: People) -> None:
    sleeves = replace(people, atr=people.atr.copy(), covers=people.covers.copy())
    sleeves.atr[0] = 0
    sleeves.atr[0, 2, 40:60] = 14  # bare arms, in the third outfit alone
    sleeves.covers[0] = 0
    sleeves.covers[0, 1, 40:60] = 255
    rng = np.random.default_rng(0)
    chosen = [longer(sleeves, 0, rng) for _ in range(50)]
    assert chosen.count((2, 1)) > 35


def test_long_sleeves_lie_spread_beside_the_trunk_or_over_it_and_short_ones_never_bend() -> None:
    rng = np.random.default_rng(0)
    short, long = Cut("tshirt", hem=-0.1), Cut("long_sleeve", hem=-0.1, sleeve=0.64)
    laid = [shop_pose(rng, long) for _ in range(60)]
    down = np.array([-pose["left_shoulder"][2] for pose in laid])
    bent = np.array(["left_elbow" in pose for pose in laid])
    assert 5 < bent.sum() < 35
    assert down[~bent].min() < 1.0
    assert down[~bent].max() > 1.4
    assert not any("left_elbow" in shop_pose(rng, short) for _ in range(20))


def test_a_number_stands_for_the_same_example_whenever_it_comes(people: People) -> None:
    source = WarpSource([people], same_garment=0.2, share_varied=1.0)
    first, again = source.batch([5, 700, 1500]), source.batch([5, 700, 1500])
    assert torch.equal(first.seen.person, again.seen.person)
    assert torch.equal(first.flow, again.flow)


def test_the_true_flow_is_without_error_and_a_pixel_off_is_one_off(batch: WarpBatch) -> None:
    weight = batch.cover * (batch.cover > 0.5)
    assert flow_error(batch.flow, batch.flow, weight).item() == pytest.approx(0.01, abs=1e-3)
    beside = batch.flow + torch.tensor([2 / SIZE[0], 0])[None, :, None, None]
    assert flow_error(beside, batch.flow, weight).item() == pytest.approx(1, abs=1e-2)


def test_a_better_answer_has_a_lower_loss(data: Path, batch: WarpBatch, tmp_path: Path) -> None:
    torch.manual_seed(0)
    asked = settings(data, out=str(tmp_path))
    with torch.no_grad():
        fields = WarpNetwork()(*batch.seen)
        before = losses(fields, batch, asked)
        logits = 20 * (batch.cover - 0.5)
        flow = torch.nn.functional.avg_pool2d(batch.flow * batch.cover, 2) / torch.nn.functional.avg_pool2d(
            batch.cover, 2
        ).clamp(min=1e-3)
        better = fields._replace(flow=flow, first_logits=logits, logits=logits, painted=batch.truth)
        after = losses(better, batch, asked)
    for name in ("total", "flow", "region", "cloth", "result"):
        assert getattr(after, name) < getattr(before, name), name
    assert after.flow < 1
    seen = composed(better, batch.photo, batch.hole, batch.mask, batch.seen.garment)
    outside = (batch.mask == 0).expand_as(seen)
    assert torch.equal(seen[outside], batch.photo[outside])


def test_it_learns_two_pairs_by_heart(data: Path, people: People, tmp_path: Path) -> None:
    torch.manual_seed(0)
    asked = settings(data, out=str(tmp_path))
    batch = tensors([somebody(people, 0), somebody(people, 1)])
    network = WarpNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    found = []
    for _ in range(25):
        with torch.autocast("cpu", torch.bfloat16):
            fields = network(*batch.seen)
        loss = losses(fields, batch, asked)
        optimizer.zero_grad()
        loss.total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 20.0)
        optimizer.step()
        found.append((loss.flow.item(), loss.result.item(), loss.region.item()))
    before, after = np.array(found)[0], np.array(found)[-3:].mean(0)
    assert (after < np.array([0.65, 0.8, 0.9]) * before).all(), (before, after)


def test_a_stopped_training_goes_on_as_if_it_had_not_and_writes_weights(
    data: Path, people: People, tmp_path: Path
) -> None:
    shared = {"batch_size": 2, "log_steps": 1, "picture_steps": 0, "schedule": "constant", "unseen": 2}
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    train(settings(data, out=str(whole), max_steps=4, **shared))
    train(settings(data, out=str(halves), max_steps=2, **shared))
    train(settings(data, out=str(halves), max_steps=4, **shared))
    one, other = load_file(whole / WEIGHTS), load_file(halves / WEIGHTS)
    assert one.keys() == WarpNetwork().state_dict().keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    lines = (tmp_path / "whole-logs" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4]


def test_a_sheet_has_a_row_a_person(data: Path, people: People, tmp_path: Path) -> None:
    task = WarpTask(settings(data, out=str(tmp_path), unseen=3, pictures=3), torch.device("cpu"))
    before = task.module.state_dict()["flow_network.person.0.1.running_mean"].clone()
    assert task.sheet().size == (6 * SIZE[0], 3 * SIZE[1])
    assert torch.equal(task.module.state_dict()["flow_network.person.0.1.running_mean"], before)


def test_a_plan_is_what_nobody_said_otherwise(data: Path, tmp_path: Path) -> None:
    asked = settings(data, out=str(tmp_path), plan="gpu", batch_size=32)
    assert asked.batch_size == 32
    assert asked.people == PEOPLE
    assert asked.learning_rate > settings(data, out=str(tmp_path)).learning_rate


def test_labels_that_were_not_found_leave_the_exact_ones(people: People) -> None:
    blind = replace(people, found_masks=np.zeros_like(people.found_masks))
    one = sample(blind, 0, 0, 1, 0, body="found", found=True)
    assert np.array_equal(one.mask, people.masks[0, 1])


def test_limbs_lie_where_the_parts_of_a_body_do(people: People) -> None:
    body = np.asarray(people.bare[0])
    drawn = sample(people, 0, 0, 1, 0, body="limbs", found=False).densepose
    assert set(np.unique(drawn)) <= set(np.unique(body))
    assert (drawn == body)[body > 0].mean() > 0.6
    assert (drawn != body).any()


def test_a_photo_of_which_nothing_is_known_is_changed_wherever_its_mask_is(people: People) -> None:
    one = sample(people, 0, 0, 1, 0, body="nothing", found=False)
    assert not one.densepose.any()
    assert np.array_equal(one.hole, one.mask)
