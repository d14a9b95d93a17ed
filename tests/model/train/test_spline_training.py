"""The training of the variant `tps`: three stages, tiny."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from model.engines.warp.checkpoint import tps_network, tps_size
from model.engines.warp.files import TPS
from model.engines.warp.geometric.matching import GeometricMatching
from model.engines.warp.network import WarpNetwork
from model.engines.warp.tps.network import TPSNetwork
from model.samples import samples
from model.train.errors import SettingsError
from model.train.kinds import read_settings
from model.train.loop import train
from model.train.warp.losses import losses
from model.train.warp.pairs import PairSamples, pairs_of
from model.train.warp.perceptual import VGGFeatures, feature_errors, gram, style_error
from model.train.warp.settings import WarpTraining
from model.train.warp.source import tensors
from model.train.warp.spline.losses import PatchDiscriminator, adversarial_losses, matching_loss, painting_loss
from model.train.warp.spline.settings import SplineTraining
from model.train.warp.spline.source import SplineBatch
from model.train.warp.spline.task import SplineTask

PEOPLE = 2


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


def settings(data: Path, out: Path, **given: Any) -> SplineTraining:
    quick = {"people": PEOPLE, "processes": 1, "channels": 4, "batch_size": 2, "device": "cpu", "log_steps": 1}
    told = {
        "engine": "warp",
        "variant": "tps",
        "data": str(data),
        "out": str(out),
        "picture_steps": 0,
        **quick,
        **given,
    }
    found = read_settings(told)
    assert isinstance(found, SplineTraining)
    return found


@pytest.fixture(scope="module")
def batch(data: Path) -> SplineBatch:
    task = SplineTask(settings(data, data / "unused", stage="matching", varied=0), torch.device("cpu"))
    return task.source.batch([0, 400])


def falls(network: nn.Module, loss: Any, steps: int) -> float:
    """The last loss as a share of the first."""
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 1e-2)
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        found.append(value.item())
    return float(np.mean(found[-3:]) / found[0])


def test_matching_and_painting_learn_two_people(data: Path, batch: SplineBatch) -> None:
    torch.manual_seed(0)
    network, asked = TPSNetwork(4), settings(data, data / "unused")
    assert falls(network, lambda: matching_loss(network.warped(batch.seen), batch, network.gmm, asked), 20) < 0.85
    network.gmm.requires_grad_(False)
    network.seg.requires_grad_(False)
    assert falls(network.tom, lambda: painting_loss(network(*batch.seen), batch, None, asked), 8) < 0.85


def test_all_stages_follow_one_another_and_are_served_as_they_were_written(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "pack"
    asked = settings(data, out, max_steps=4, warmup_steps=0, learning_rate=1e-2, joint_learning_rate=1e-3)
    assert [(one.stage, one.max_steps) for one in asked.stages] == [("matching", 1), ("painting", 2), ("joint", 1)]
    train(asked.stages[0])
    first = load_file(out / TPS)
    train(asked)  # the first is done already
    last = load_file(out / TPS)
    network = tps_network(out).load(torch.device("cpu"), torch.float32)
    assert tps_size(out) == (96, 128)
    assert isinstance(network.gmm, GeometricMatching)
    for part in ("gmm", "seg", "tom"):
        names = [name for name in last if name.startswith(part) and name.endswith("weight")]
        assert any(not torch.equal(first[name], last[name]) for name in names), part
    logs = [
        json.loads((tmp_path / f"pack-logs/{name}/metrics.jsonl").read_text().splitlines()[-1])
        for name in ("painting", "joint")
    ]
    assert [line["step"] for line in logs] == [2, 1]


def test_a_stopped_stage_goes_on_as_if_it_had_not(data: Path, tmp_path: Path) -> None:
    whole, halves = (settings(data, tmp_path / name, stage="matching", schedule="constant") for name in "ab")
    train(whole.model_copy(update={"max_steps": 2}))
    for steps in (1, 2):
        train(halves.model_copy(update={"max_steps": steps}))
    one, other = load_file(tmp_path / "a" / TPS), load_file(tmp_path / "b" / TPS)
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_painting_leaves_what_was_matched_as_it_is(data: Path, tmp_path: Path) -> None:
    out, written = tmp_path / "pack", {}
    with pytest.raises(SettingsError, match="train 'matching' first"):
        train(settings(data, out, stage="painting", max_steps=1))
    for stage in ("matching", "painting"):
        train(settings(data, out, stage=stage, max_steps=1))
        written[stage] = load_file(out / TPS)
    names = [name for name in written["matching"] if not name.startswith("tom")]
    assert all(torch.equal(written["matching"][name], written["painting"][name]) for name in names)


def test_a_sheet_shows_what_is_made_of_the_first_samples(data: Path, tmp_path: Path) -> None:
    task = SplineTask(settings(data, tmp_path, stage="matching", pictures=2), torch.device("cpu"))
    assert task.sheet().size == (5 * 96, 2 * 128)


def test_vgg_is_read_from_torchvisions_file_and_finds_equal_pictures_equal(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tensors = VGGFeatures().state_dict() | {"classifier.0.bias": torch.zeros(3)}
    save_file(tensors, tmp_path / "vgg.safetensors")
    vgg = VGGFeatures.read(tmp_path / "vgg.safetensors")
    one, other = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    assert feature_errors(vgg(one), vgg(one)).tolist() == [0, 0, 0, 0]
    assert (feature_errors(vgg(one), vgg(other)) > 0).all()
    assert style_error(vgg(one), vgg(other)) > 0
    assert gram(torch.ones(1, 2, 3, 3)).tolist() == [[[0.5, 0.5], [0.5, 0.5]]]


def test_what_paints_learns_nothing_of_the_discriminators_own_loss() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator()
    result = torch.zeros(1, 3, 64, 64, requires_grad=True)
    fooled, told = adversarial_losses(discriminator, result, torch.ones(1, 3, 64, 64))
    told.backward()  # type: ignore[no-untyped-call]
    assert result.grad is None
    assert all(parameter.grad is not None for parameter in discriminator.parameters())
    discriminator.zero_grad()
    fooled.backward()  # type: ignore[no-untyped-call]
    assert result.grad is not None
    assert all(parameter.grad is None for parameter in discriminator.parameters())


@pytest.mark.parametrize("layout", ["vitonhd", "dresscode", "vesaki"])
def test_pairs_of_photos_are_read_in_each_layout_and_learned_without_a_flow(layout: str, tmp_path: Path) -> None:
    folder = data_set(layout, tmp_path)
    (pair,) = pairs_of([folder])
    one = PairSamples([pair], (96, 128), 0).sample(0)
    assert not one.traced
    assert np.array_equal(one.photo, one.truth)
    assert 0.02 < one.cover.mean() < one.mask.mean() < 0.6
    assert (one.alpha > 0.5).mean() < 0.9
    dense = tensors([one])
    with torch.no_grad():
        asked = read_settings({"engine": "warp", "data": str(folder), "out": str(tmp_path / "out")})
        assert isinstance(asked, WarpTraining)
        found = losses(WarpNetwork()(*dense.seen), dense, asked)
    assert found.flow == 0
    assert found.cloth > 0
    asked_ = settings(folder, tmp_path / "out", stage="matching", varied=0)
    task = SplineTask(asked_, torch.device("cpu"))
    assert task.source.batch([0]).labels.max() > 3
    assert task.validate() == {}  # there is no test split, and nobody is made up in a folder of photos
    assert not list(folder.glob("1000017-*"))


def data_set(layout: str, folder: Path) -> Path:
    """One person, in the shirt they wear."""
    photo, mask = (Image.open(sample_file(name)) for name in ("mira.png", "mira_upper_mask.png"))
    garment = Image.open(sample_file("stripes.png")).convert("RGB")
    names = {
        "vitonhd": ("train/image/a.jpg", "train/agnostic-mask/a_mask.png", "train/cloth/a.jpg"),
        "dresscode": ("upper_body/images/a_0.jpg", "upper_body/agnostic_masks/a_0.png", "upper_body/images/a_1.jpg"),
        "vesaki": ("train/person/a_person.jpg", "train/agnostic-mask/a_person_mask.png", "train/garment/a.jpg"),
    }[layout]
    for picture, name in zip((photo.convert("RGB"), mask.convert("L"), garment), names, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(folder / name)
    lists = {
        "vitonhd": ("train_pairs.txt", "a.jpg a.jpg"),
        "dresscode": ("upper_body/train_pairs.txt", "a_0.jpg a_1.jpg"),
        "vesaki": ("train/pairs.txt", "a_person.jpg a.jpg"),
    }
    name, line = lists[layout]
    (folder / name).write_text(line)
    return folder


def sample_file(name: str) -> Path:
    return Path(samples.__file__).parent / "data" / name
