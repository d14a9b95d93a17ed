"""The warping try-on measured on held-out people as it trains, and its best weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from model.engines.warp.files import WEIGHTS
from model.train.checkpoints import Checkpoints
from model.train.kinds import read_settings
from model.train.loop import train
from model.train.settings import LoopSettings
from model.train.validation import BestSoFar
from model.train.warp.held_out import DressedBatch, measured
from model.train.warp.spline.settings import SplineTraining
from model.train.warp.spline.task import SplineTask

PEOPLE, STEPS = 2, 4
SHARED: dict[str, Any] = {
    **{"device": "cpu", "people": PEOPLE, "unseen": 2, "pictures": 2, "processes": 1, "picture_steps": 0},
    **{"log_steps": 100, "batch_size": 2, "schedule": "constant", "validation_steps": 1},
    **{"warmup_steps": 0, "ema": 0, "learning_rate": 0.03},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


def settings(data: Path, out: Path, **given: Any) -> LoopSettings:
    return read_settings({"engine": "warp", "data": str(data), "out": str(out), **SHARED, **given})


def validations(out: Path) -> dict[int, dict[str, float]]:
    """Step -> what was measured."""
    lines = (out.with_name(f"{out.name}-logs") / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["step"]: row for row in rows if "validation_ssim" in row}


def best_of(asked: LoopSettings) -> dict[str, Any]:
    (file,) = (asked.checkpoint_folder / "best").iterdir()
    return Checkpoints(file.parent, 1).load(file, asked)


@pytest.fixture(scope="module")
def spoilt(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training whose steps are so large that its last weights are not its best."""
    out = tmp_path_factory.mktemp("spoilt") / "out"
    train(settings(data, out, max_steps=STEPS, write_best=True))
    return out


def test_the_best_weights_by_validation_are_kept_and_written_where_asked(data: Path, spoilt: Path) -> None:
    found = validations(spoilt)
    assert list(found) == list(range(1, STEPS + 1))
    assert {f"validation_{name}" for name in ("ssim", "psnr", "colour_error", "region_iou")} < found[1].keys()
    first = max(found, key=lambda step: found[step]["validation_ssim"])
    asked = settings(data, spoilt, max_steps=STEPS)
    best, newest = best_of(asked), Checkpoints(asked.checkpoint_folder, 2)
    file = newest.newest()
    assert file is not None
    last = newest.load(file, asked)
    assert first < STEPS == last["step"]
    assert best["step"] == first
    assert best["measures"]["ssim"] == found[first]["validation_ssim"]
    written = load_file(spoilt / WEIGHTS)
    for name, tensor in best["weights"].items():
        assert torch.equal(written[name], tensor.half()), name
    assert any(
        not torch.equal(best["weights"][name], last["weights"][name]) for name in written if name in last["weights"]
    )


def test_a_training_that_goes_on_knows_what_was_best_before(data: Path, spoilt: Path, tmp_path: Path) -> None:
    halves = tmp_path / "halves"
    for steps in (STEPS - 1, STEPS):
        train(settings(data, halves, max_steps=steps))
    whole = best_of(settings(data, spoilt, max_steps=STEPS))
    again = best_of(settings(data, halves, max_steps=STEPS))
    assert again["step"] == whole["step"]
    assert again["measures"] == whole["measures"]


def test_the_best_by_the_error_of_colour_has_the_least(data: Path, tmp_path: Path) -> None:
    asked = settings(data, tmp_path / "out", max_steps=STEPS, best_by="colour_error")
    best = BestSoFar(asked)
    for step, error in enumerate([5.0, 3.0, 4.0, 3.0], 1):
        best.take(step, {"ssim": step / 10, "colour_error": error}, {"step": step})
    assert best_of(asked)["step"] == 2


def test_a_training_that_begins_anew_forgets_what_was_best(data: Path, tmp_path: Path) -> None:
    asked = settings(data, tmp_path / "out", max_steps=STEPS)
    BestSoFar(asked).take(9, {"ssim": 0.9}, {"step": 9})
    BestSoFar(asked).take(2, {"ssim": 0.5}, {"step": 2})
    assert best_of(asked)["step"] == 9
    anew = settings(data, tmp_path / "out", max_steps=STEPS, resume=False)
    BestSoFar(anew).take(2, {"ssim": 0.5}, {"step": 2})
    assert best_of(asked)["step"] == 2


def test_each_stage_of_the_spline_has_its_own_best(data: Path, tmp_path: Path) -> None:
    asked = settings(data, tmp_path / "out", variant="tps", channels=4, max_steps=1)
    train(asked)
    stages = {file.parents[1].name for file in asked.checkpoint_folder.parent.glob("*/best/*.pt")}
    assert stages == {"matching", "painting", "joint"}


def test_measuring_the_spline_does_not_change_it(data: Path, tmp_path: Path) -> None:
    asked = settings(data, tmp_path / "out", variant="tps", stage="matching", channels=4, max_steps=1)
    assert isinstance(asked, SplineTraining)
    task = SplineTask(asked, torch.device("cpu"))
    before = {name: tensor.clone() for name, tensor in task.module.state_dict().items()}
    found = task.validate()
    assert 0 < found["ssim"] < 1
    assert 0 <= found["region_iou"] <= 1
    assert task.module.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in task.module.state_dict().items())


def test_a_perfect_result_is_measured_as_one_and_a_region_beside_the_garment_as_none() -> None:
    truth = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    cover = torch.zeros(2, 1, 16, 16)
    cover[..., :8] = 1
    perfect = measured([DressedBatch(truth, truth, cover, cover)])
    assert perfect == pytest.approx({"ssim": 1, "psnr": 100, "colour_error": 0, "region_iou": 1})
    wrong = measured([DressedBatch(-truth, truth, 1 - cover, cover)])
    assert wrong["region_iou"] == 0
    assert wrong["ssim"] < 0.5
    assert wrong["colour_error"] > 0
