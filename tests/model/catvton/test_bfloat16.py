"""DTYPE=bfloat16: another rounding of the same picture."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import torch

from model.engines.catvton.engine import CatVTON
from model.runtime.device import Device
from model.weights.pack import DEMO
from tests.model.catvton.test_tryon import Studio
from tests.model.tryon.drawing import array, opened

MEAN_GREY_LEVELS, MOST_GREY_LEVELS = 2.0, 24  # of 255; measured: 0.8 and 10


def test_a_result_in_bfloat16_is_nearly_that_in_float32(runner: asyncio.Runner, tmp_path: Path) -> None:
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        (folder := tmp_path / str(dtype)).mkdir()
        device = Device(torch.device("cpu"), dtype)
        studio = Studio(CatVTON(DEMO, device), runner, folder)
        results.append(array(opened(studio.dress(steps=4, repaint=False)[0])).astype(int))
        device.close()
    difference = np.abs(results[0] - results[1])
    assert 0 < difference.mean() <= MEAN_GREY_LEVELS
    assert difference.max() <= MOST_GREY_LEVELS
