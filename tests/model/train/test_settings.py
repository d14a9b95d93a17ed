"""Settings are read from strings, and refused when they make no sense."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from model.__main__ import main
from model.train.batches import Order, read_ahead
from model.train.budget import TrainingBudget
from model.train.ema import MovingAverage
from model.train.settings import Training
from model.train.stopping import Stopping

STRINGS = {"data": "a,b/c", "out": "models/new", "start": "old", "max_steps": "100"}


def settings(**changes: Any) -> Training:
    return Training.model_validate(STRINGS | changes)


def test_all_values_may_be_strings() -> None:
    read = settings(learning_rate="1e-4", half="false", dream="inf", min_snr="none", clip_norm="off", max_minutes="7.5")
    assert read.data == (Path("a"), Path("b/c"))
    assert (read.max_steps, read.learning_rate, read.half, read.max_minutes) == (100, 1e-4, False, 7.5)
    assert (read.dreams, read.min_snr, read.clip_norm) == (False, None, None)
    assert settings().dreams
    assert not settings(dream="none").dreams


def test_a_network_is_given_as_json_or_as_a_file(tmp_path: Path) -> None:
    config = {"block_out_channels": [8, 16]}
    file = tmp_path / "unet.json"
    file.write_text(json.dumps(config))
    for given in (json.dumps(config), str(file)):
        assert settings(unet=given, trainable="all").unet == config


def test_checkpoints_and_logs_lie_beside_the_result_unless_told_otherwise() -> None:
    assert settings().checkpoint_folder == Path("models/new-checkpoints")
    assert settings().log_folder == Path("models/new-logs")
    assert settings(logs="x").log_folder == Path("x")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_steps": "none"}, "give 'max_steps' or 'max_minutes'"),
        ({"max_steps": "0"}, "max_steps"),
        ({"start": "none"}, "'tryon' needs 'start'"),
        ({"unet": "{}"}, "a new 'unet' needs 'trainable' all"),
        ({"unet": "absent.json"}, "neither JSON nor a JSON file"),
        ({"what": "autoencoder", "start": ""}, "'autoencoder' needs 'start' or a config in 'vae'"),
        ({"vae": "{}"}, "'vae' is trained by 'autoencoder'"),
        ({"width": "100"}, "multiple of 8"),
        ({"data": ""}, "at least 1 item"),
        ({"condition_dropout": "1.5"}, "condition_dropout"),
        ({"batchsize": "4"}, "Extra inputs are not permitted"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**changes)


def test_the_command_line_names_the_setting_at_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--data", "a", "--out", "b", "--max-steps", "many"]) == 2
    assert capsys.readouterr().err.startswith("error: max_steps: Input should be a valid integer")


def test_the_rate_follows_steps_or_time_whichever_is_further() -> None:
    both = settings(max_steps=100, max_minutes=10, learning_rate=1.0, schedule="linear")
    assert TrainingBudget(both, step=25, seconds=0).share == pytest.approx(0.25, abs=1e-3)
    assert TrainingBudget(both, step=25, seconds=300).share == pytest.approx(0.5, abs=1e-3)
    assert TrainingBudget(both, step=25, seconds=601).share == 1
    assert TrainingBudget(both, step=25).learning_rate(0.5) == 0.5


@pytest.mark.parametrize(("schedule", "expected"), [("constant", 1), ("linear", 0.75), ("cosine", 0.8536)])
def test_rates_fall_as_their_schedule_says(schedule: str, expected: float) -> None:
    rate = TrainingBudget(settings(learning_rate=1.0, schedule=schedule), step=50).learning_rate(0.25)
    assert rate == pytest.approx(expected, abs=1e-4)


def test_rates_warm_up() -> None:
    warm = settings(learning_rate=1.0, warmup_steps=4)
    assert [TrainingBudget(warm, step).learning_rate(0) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_a_signal_to_end_is_a_wish_at_first() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stopping() as stopping:
        assert not stopping.asked
        signal.raise_signal(signal.SIGTERM)
        assert stopping.asked
        assert signal.getsignal(signal.SIGTERM) == before
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_average_follows_and_makes_way() -> None:
    weight = torch.tensor([1.0])
    average = MovingAverage([weight], 0.9)
    weight += 1
    average.update(1000)
    with average.in_place():
        assert weight.item() == pytest.approx(1.1)
    assert weight.item() == 2
    average.update(0)  # an early step: fast
    assert average.averages[0].item() == pytest.approx(1.1 * 0.1 + 2 * 0.9)


class Numbers:
    """Its samples are their own numbers."""

    def __len__(self) -> int:
        return 5

    def batch(self, numbers: Any) -> list[int]:
        return list(numbers)


def test_every_epoch_has_every_sample_once_and_batches_run_across_its_end() -> None:
    order = Order(5, 2, seed=3)
    samples = [number for batch in range(5) for number in order.numbers(batch)]
    assert sorted(samples[:5]) == sorted(samples[5:]) == list(range(5))
    assert samples[:5] != samples[5:]
    assert samples != [number for batch in range(5) for number in Order(5, 2, seed=4).numbers(batch)]


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_come_in_order_from_anywhere_for_each_process(threads: int) -> None:
    order = Order(5, 2, seed=3)
    for first, stride in ((0, 1), (4, 1), (1, 2)):
        batches = read_ahead(Numbers(), order, first, stride, threads)
        assert [next(batches) for _ in range(6)] == [order.numbers(first + i * stride) for i in range(6)]
        batches.close()


def test_infinity_is_off_for_dream_only() -> None:
    assert settings(dream=math.inf).dream == math.inf
    with pytest.raises(ValidationError):
        settings(max_steps="inf")
