"""Tops that the mask would cut off."""

from __future__ import annotations

import numpy as np
import torch

from model.engines.warp.grids import identity
from model.engines.warp.hem import hem_in_sight
from model.engines.warp.network import Fields

TRUNK = slice(30, 66)


def fields(reach: float) -> Fields:
    """A top from a quarter of the photo's height down, whose flow tells as much of the flat picture per row."""
    flow = identity(64, 48)
    flow[:, 1] = -0.8 + (flow[:, 1] + 0.5) * reach
    logits = torch.full((1, 1, 128, 96), -5.0)
    logits[..., 32:110, TRUNK] = 5
    return Fields(identity(16, 12), identity(32, 24), flow, logits, logits, torch.zeros(1, 3, 32, 24), logits)


def mask(end: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    made = np.zeros((128, 96), np.float32)
    made[32:end, 20:76] = 1
    return made


def flat() -> torch.Tensor:
    """From 0.1 to 0.9 of the picture's height."""
    alpha = torch.zeros(1, 1, 128, 96)
    alpha[..., 13:115, 20:76] = 1
    return alpha


def test_the_hem_comes_into_sight_where_the_mask_ends_before_it() -> None:
    cut_off = fields(reach=1.6)
    before = cut_off.flow[0, 1, 35, 24].item()
    flow = hem_in_sight(cut_off, mask(72), flat()).flow
    assert flow[0, 1, 35, 24].item() > before + 0.1
    assert torch.equal(flow[0, 0], cut_off.flow[0, 0])
    assert abs(flow[0, 1, 16, 24].item() - cut_off.flow[0, 1, 16, 24].item()) < 0.05  # the collar stays
    assert torch.equal(flow[0, 1, :, 2], cut_off.flow[0, 1, :, 2])  # far beside the trunk


def test_it_stays_as_it_is_where_the_hem_is_seen_or_the_photo_ends() -> None:
    seen, leaving = fields(reach=2.4), fields(reach=1.0)
    assert hem_in_sight(seen, mask(90), flat()) is seen
    everywhere = leaving._replace(logits=torch.full((1, 1, 128, 96), 5.0))
    assert hem_in_sight(everywhere, mask(128), flat()) is everywhere
    nothing = seen._replace(logits=torch.full((1, 1, 128, 96), -5.0))
    assert hem_in_sight(nothing, mask(72), flat()) is nothing
