"""Training of the draping network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.__main__ import main
from model.engines.pointcloth.checkpoint import draping
from model.engines.pointcloth.files import BODY_POINTS, CODES
from model.train.pointcloth.clouds import kinds_worn
from model.train.pointcloth.task import named_codes, parting


def test_neighbours_that_move_together_do_not_part() -> None:
    bodies = torch.rand(2, 40, 3, generator=torch.Generator().manual_seed(0))
    assert float(parting(bodies, bodies + torch.tensor([0.1, 0.2, 0.0]))) == pytest.approx(0, abs=2e-3)
    assert float(parting(bodies, bodies.flip(1))) > 0.2


def test_a_draping_network_and_codes_are_trained_by_one_command(tmp_path: Path) -> None:
    sizes = ["--width=8", "--encoder=8,8", "--features=2,2,2", "--flat=8,4,4", "--spatial=4,4,3", "--points=16"]
    few = ["--outfits=2", "--bodies=1", "--batch-size=2", "--max-steps=2", "--pictures=1", "--device=cpu"]
    out = tmp_path / "trained"
    words = ["train", "--engine=pointcloth", f"--data={tmp_path / 'data'}", f"--out={out}", *sizes, *few]
    assert main(words) == 0
    network = draping(out).load(torch.device("cpu"), torch.float32)
    assert network(torch.zeros(1, 5, 3), torch.zeros(1, 8)).shape == (1, 5, 3)
    with np.load(out / CODES) as codes, np.load(out / BODY_POINTS) as points:
        assert sorted(codes.files) == sorted(set(kinds_worn(2, 0)))
        assert len(points["samples"]) == 8192
        assert points["together"] == 16


def test_a_kind_is_named_after_the_outfit_most_like_all_of_it() -> None:
    codes = np.array([[0.0] * 8, [1.0] * 8, [0.4] * 8, [5.0] * 8], np.float32)
    kinds = ["dress", "dress", "dress", "t-shirt and skirt"]
    named = named_codes(codes, kinds)
    assert list(named) == ["dress", "t-shirt and skirt"]
    assert named["dress"][0] == pytest.approx(0.4)
    assert list(named_codes(codes.repeat(100, 0), ["dress"] * 399 + ["skirt"])) == ["dress"]
