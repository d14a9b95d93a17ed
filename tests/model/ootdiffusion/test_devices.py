"""The same picture however the device is set up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from model.engines.ootdiffusion.engine import OOTDiffusion
from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from model.runtime.warm_up import warm_up
from tests.model.ootdiffusion.recorded import CASES, GREY_LEVELS
from tests.model.ootdiffusion.test_tryon import Shop, fields, levels

MEAN_GREY_LEVELS, MOST_GREY_LEVELS = 2.0, 42  # of 255, in bfloat16; measured: 1.0 and 21


@contextmanager
def opened(weights: Path, device: Device) -> Iterator[OOTDiffusion]:
    yield OOTDiffusion(weights, device)
    device.close()


@pytest.fixture
def plain(engine: OOTDiffusion, runner: asyncio.Runner, tmp_path: Path) -> Shop:
    (tmp_path / "plain").mkdir()
    return Shop(engine, runner, tmp_path / "plain")


def test_short_memory_changes_nothing(weights: Path, runner: asyncio.Runner, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.folder.name == "hd_s4_g2_n1")
    device = Device(torch.device("cpu"), config=DeviceConfig(memory_profile="low"))
    with opened(weights, device) as low:
        (picture,) = Shop(low, runner, tmp_path).dress(case, **fields(case))
    assert levels(picture, case.result(0)) <= GREY_LEVELS


def test_a_result_in_bfloat16_is_nearly_that_in_float32(
    plain: Shop, weights: Path, runner: asyncio.Runner, tmp_path: Path
) -> None:
    case = next(case for case in CASES if case.folder.name == "hd_s4_g2_n1")
    with opened(weights, Device(torch.device("cpu"), torch.bfloat16)) as half:
        (picture,) = Shop(half, runner, tmp_path).dress(case, **fields(case))
    difference = np.abs(picture.astype(int) - plain.dress(case, **fields(case))[0])
    assert 0 < difference.mean() <= MEAN_GREY_LEVELS
    assert difference.max() <= MOST_GREY_LEVELS


def test_every_network_is_warmed_as_requests_will_call_it(weights: Path) -> None:
    with opened(weights, Device(torch.device("cpu"))) as engine:
        called = {step.network for step in warm_up(engine.device, engine, 96, 128)}
    ours = {f"{variant} {network}" for variant in ("hd", "dc") for network in ("garment", "denoiser")}
    assert called == ours | {"encoder", "image encoder", "decoder"}
