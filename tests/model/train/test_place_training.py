"""The place network, its loss, and a short training of it."""

from __future__ import annotations

import json
import logging
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from model.__main__ import main
from model.clothes.buffers import BodyLayer
from model.engines.pack import EnginePack
from model.engines.template.files import files
from model.engines.template.outfit import OutfitNetwork
from model.engines.template.place_network import LAYERS, PlaceMaps, PlaceNetwork, on_grey, turned, turned_back
from model.train.errors import SettingsError
from model.train.kinds import read_settings
from model.train.loop import train
from model.train.template.augmentation import varied
from model.train.template.kept_people import KeptPeople, LabelledPhotos
from model.train.template.losses import errors
from model.train.template.settings import TemplateTraining
from model.weights.pack import DEMO

SIZE = 32


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def photos(data: Path) -> LabelledPhotos:
    return KeptPeople(data, first=0, people=2, size=SIZE, weights=DEMO).batch(range(6))


def the_truth(photos: LabelledPhotos) -> PlaceMaps:
    azimuths = torch.stack([photos.azimuths.sin(), photos.azimuths.cos()], 1)
    seen = turned_back(photos.places, azimuths)
    cell = torch.zeros(len(seen), 3 + LAYERS, SIZE // 8, SIZE // 8)
    return PlaceMaps(
        layers=100 * F.one_hot(photos.layers, LAYERS).permute(0, 3, 1, 2).float(),
        seen=seen,
        places=photos.places,
        spreads=torch.full_like(seen[:, :1], -6.0),
        gains=torch.zeros(len(seen), 3, SIZE // 4, SIZE // 4),
        azimuths=azimuths,
        coarse=cell,
        coarsest=F.avg_pool2d(cell, 2),
    )


def test_a_quarter_turn_brings_the_left_side_to_the_front() -> None:
    left_hand = torch.tensor([0.7, 0.4, 0.1]).view(1, 3, 1, 1)
    from_the_left = torch.tensor([[1.0, 0.0]])  # 90 degrees
    right, up, near = turned_back(left_hand, from_the_left).flatten().tolist()
    assert (right, up, near) == pytest.approx((-0.1, 0.4, 0.7))
    assert torch.allclose(turned(turned_back(left_hand, from_the_left), from_the_left), left_hand)


def test_a_labelling_has_a_value_for_every_pixel() -> None:
    unasked = torch.zeros(2, 3, 32, 32)
    labelling = PlaceNetwork().eval()(on_grey(torch.rand(2, 4, 64, 64)), unasked)
    sizes = [tuple(part.shape[1:]) for part in labelling]
    finest, coarse = [(8, 64, 64), (3, 32, 32), (3, 32, 32), (1, 32, 32), (3, 16, 16)], [(11, 8, 8), (11, 4, 4)]
    assert sizes == [*finest, (2,), *coarse]
    assert labelling.spreads.min() >= -6
    assert labelling.spreads.max() <= 0


def test_the_truth_is_without_error_and_the_mirror_image_is_not(photos: LabelledPhotos) -> None:
    truth = the_truth(photos)
    exact = errors(truth, photos)
    assert exact.place.item() == pytest.approx(0, abs=1e-6)
    assert exact.layer.item() == 0
    mirrored = errors(truth._replace(places=truth.places * torch.tensor([-1.0, 1, 1])[:, None, None]), photos)
    assert mirrored.place > 0.1
    assert mirrored.loss > exact.loss


def test_light_that_is_taken_off_lowers_the_loss(photos: LabelledPhotos) -> None:
    darker = replace(photos, colours=photos.colours * torch.tensor([0.5, 0.5, 0.5, 1])[:, None, None])
    truth = the_truth(photos)
    taken_off = truth._replace(gains=torch.full_like(truth.gains, 2.0).log())
    assert errors(taken_off, darker).loss < errors(truth, darker).loss


def test_mirrored_photos_show_the_other_side(photos: LabelledPhotos) -> None:
    """Whatever is done to photos, their layers still lie where the person is, and places still fit the azimuth."""
    several = varied(photos, zoom=0.2, light=0.0, generator=torch.Generator().manual_seed(0))
    mirrored = several.azimuths != photos.azimuths
    assert 0 < mirrored.sum() < len(mirrored)
    assert ((several.parsed > 0).any(1) & (several.coarse_layers == 0)).float().mean() < 0.05
    assert ((several.layers > 0) & (several.colours[:, 3] < 0.2)).float().mean() < 0.01
    _, _, near = turned_back(several.places, torch.stack([several.azimuths.sin(), several.azimuths.cos()], 1)).unbind(1)
    trunk = (several.coarse_layers >= BodyLayer.UPPER) & (several.coarse_layers <= BodyLayer.ONE_PIECE)
    assert all(near[row][trunk[row]].mean() > 0 for row in range(len(near)) if trunk[row].any())


def settings(data: Path, out: Path, **changes: Any) -> Any:
    given = {"engine": "template", "what": "places", "data": data, "people": 2, "unseen": 2, "size": SIZE, "out": out}
    given["device"] = "cpu"
    return read_settings(given | {"max_steps": 4, "log_steps": 1, "picture_steps": 2, "pictures": 2} | changes)


def test_a_training_writes_weights_and_a_sheet_and_goes_on_where_it_stopped(data: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    train(settings(data, tmp_path / "whole"))
    train(settings(data, tmp_path / "parts", max_steps=2, schedule="constant"))
    train(settings(data, tmp_path / "parts", schedule="constant"))
    weights = load_file(tmp_path / "parts/template/place_network.safetensors")
    PlaceNetwork().load_state_dict(weights)  # strict
    assert weights["stem.1.1.running_var"].ne(1).any()
    assert (tmp_path / "whole-logs/step-00000004.png").is_file()
    lines = (tmp_path / "parts-logs/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4]


def test_stopping_and_going_on_changes_nothing(data: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    for out, stops in (("whole", (3,)), ("parts", (1, 3))):
        for steps in stops:
            train(settings(data, tmp_path / out, max_steps=steps, picture_steps=0, schedule="constant"))
    whole, parts = (load_file(tmp_path / out / "template/place_network.safetensors") for out in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_one_command_makes_a_pack_that_can_be_served_and_says_how_good_it_is(data: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    out, told = tmp_path / "out", {"people": 2, "unseen": 1, "size": SIZE, "outfit_steps": 4, "log_steps": 1, "seed": 3}
    given = {"data": data, "out": out, "device": "cpu", "max_steps": 1, "picture_steps": 0, "batch_size": 4} | told
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    assert main(["train", "--engine", "template", "--plan", "gpu", *options]) == 0
    OutfitNetwork().load_state_dict(load_file(out / "template/outfit_network.safetensors"))  # strict
    assert EnginePack(str(out)).missing("template") == []
    assert all(file.is_file() for file in files(out))
    lines = (tmp_path / "out-logs/outfits/metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert losses[-1] < losses[0]
    facts = json.loads((out / "template/training.json").read_text())
    assert (facts["plan"], facts["seed"], facts["trained"]["places"]["steps"]) == ("gpu", 3, 1)
    assert facts["trained"]["outfits"]["minutes"] >= 0
    errors_ = json.loads((out / "template/errors.json").read_text())
    assert errors_["height"] == pytest.approx(facts["scores"]["height"] / 100, abs=1e-3)
    assert "PSNR" in (out / "evaluation/evaluation.md").read_text()


def test_what_is_given_beside_a_plan_wins(tmp_path: Path) -> None:
    told = {"engine": "template", "data": tmp_path, "out": tmp_path / "out", "plan": "gpu", "people": 7}
    pack = read_settings(told)
    assert isinstance(pack, TemplateTraining)
    places, outfits = pack.stages
    assert (pack.people, places.batch_size, outfits.batch_size) == (7, 64, 64)
    assert (places.what, outfits.what, outfits.max_steps, outfits.ema) == ("places", "outfits", 600, 0)
    assert places.checkpoint_folder != outfits.checkpoint_folder
    assert read_settings(told | {"what": "outfits", "max_steps": 5}).max_steps == 5


class StopAsSoonAsItTrains(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if "parameters" in record.getMessage():
            signal.raise_signal(signal.SIGTERM)


def test_a_stopped_training_begins_nothing_else(data: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    journal, stop = logging.getLogger("model.train.loop"), StopAsSoonAsItTrains()
    before = journal.level
    journal.addHandler(stop)
    journal.setLevel(logging.INFO)
    try:
        assert not train(settings(data, tmp_path / "out", what="pack", max_steps=10**9, picture_steps=0))
    finally:
        journal.removeHandler(stop)
        journal.setLevel(before)
    assert (tmp_path / "out/template/place_network.safetensors").is_file()
    assert not (tmp_path / "out/template/outfit_network.safetensors").exists()


def test_outfits_need_places(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="train 'places' first"):
        train(settings(data, tmp_path / "empty", what="outfits"))


def test_a_training_goes_on_from_other_weights(data: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    train(settings(data, tmp_path / "first", max_steps=2, picture_steps=0))
    nothing_learned = {"max_steps": 1, "picture_steps": 0, "learning_rate": 1e-12, "ema": 0}
    train(settings(data, tmp_path / "second", start=tmp_path / "first", **nothing_learned))
    first, second = (load_file(tmp_path / out / "template/place_network.safetensors") for out in ("first", "second"))
    assert torch.equal(first["layers.weight"], second["layers.weight"])


def test_an_engine_that_nothing_trains_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["train", "--engine", "clay", "--data", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "engine is 'clay'" in capsys.readouterr().err
