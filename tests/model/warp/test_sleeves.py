"""Sleeves that lie against the trunk, spread for the networks."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.engines.warp.garment import FlatGarment
from model.engines.warp.grids import identity
from model.engines.warp.sleeves import resting_sleeves

WIDTH, HEIGHT = 192, 256
LEFT, TRUNK, RIGHT = (200, 40, 40), (60, 160, 60), (40, 40, 200)
SHOULDERS, HEM = 40, 200

Corners = list[tuple[int, int]]
Bytes = NDArray[np.uint8]


def drawn(*pieces: tuple[tuple[int, int, int], Corners]) -> Bytes:
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for colour, corners in pieces:
        cv2.fillPoly(picture, [np.array(corners, np.int32)], colour)
    return picture


def cardigan() -> Bytes:
    """Sleeves touch the trunk all the way; cuffs end below its hem."""
    left: Corners = [(60, 44), (76, 84), (48, 230), (20, 230), (40, 70)]
    trunk: Corners = [(60, 40), (132, 40), (140, HEM), (54, HEM)]
    right: Corners = [(WIDTH - x, y) for x, y in left]
    return drawn((TRUNK, trunk), (LEFT, left), (RIGHT, right))


def shirt() -> Bytes:
    return drawn((TRUNK, [(60, 40), (132, 40), (180, 100), (150, 110), (140, HEM), (54, HEM), (42, 110), (12, 100)]))


def trousers() -> Bytes:
    return drawn((TRUNK, [(60, 40), (132, 40), (150, 230), (104, 230), (96, 90), (88, 230), (42, 230)]))


def skirt() -> Bytes:
    return drawn((TRUNK, [(70, 40), (122, 40), (170, 220), (22, 220)]))


def spread_already() -> Bytes:
    sleeves: Corners = [(60, 40), (132, 40), (190, 190), (165, 200), (132, 100)]
    return drawn((TRUNK, [*sleeves, (132, HEM), (60, HEM), (60, 100), (27, 200), (2, 190)]))


def test_sleeves_on_the_trunk_are_apart_from_it_for_the_networks() -> None:
    flat = FlatGarment.of(cardigan())
    spread = flat.spread()
    assert [sleeve.side for sleeve in spread.sleeves] == [-1, 1]
    assert spread.seen is not None
    pieces = [len(np.flatnonzero(np.diff(row > 0.5))) // 2 for row in spread.seen]
    assert pieces.count(3) > 0.3 * np.count_nonzero(pieces)
    assert (
        abs(
            spread.seen.sum()
            / spread.seen.size
            / (flat.alpha.sum() / flat.alpha.size)
            * len(spread.picture) ** 2
            / len(flat.picture) ** 2
            - 1
        )
        < 0.1
    )  # the same cloth
    across = spread.picture.shape[1]
    cuffs = spread.picture[:, : across // 4], spread.picture[:, -across // 4 :]
    assert ((np.abs(cuffs[0].astype(int) - LEFT).max(-1) < 20).sum()) > 500
    assert ((np.abs(cuffs[1].astype(int) - RIGHT).max(-1) < 20).sum()) > 500


def test_places_are_those_of_the_picture_that_was_sent() -> None:
    sent = cardigan()
    spread = FlatGarment.of(sent).spread()
    height, width = spread.picture.shape[:2]
    places = spread.as_sent(identity(height, width))
    columns, rows = ((places + 1) / 2 * (WIDTH, HEIGHT) - 0.5).round().astype(int).transpose(2, 0, 1)
    there = (columns >= 0) & (columns < WIDTH) & (rows >= 0) & (rows < HEIGHT)
    apart = np.abs(sent[rows[there], columns[there]].astype(int) - spread.picture[there]).max(-1)
    assert np.mean(apart < 40) > 0.97
    untouched = FlatGarment.of(shirt())
    assert torch.allclose(torch.from_numpy(untouched.as_sent(identity(8, 6)))[None], identity(8, 6).permute(0, 2, 3, 1))


@pytest.mark.parametrize("other", [shirt, trousers, skirt, spread_already])
def test_nothing_else_is_taken_for_them(other: Callable[[], Bytes]) -> None:
    flat = FlatGarment.of(other())
    assert resting_sleeves(flat.alpha) is None
    assert flat.spread() is flat
    assert resting_sleeves(np.zeros_like(flat.alpha)) is None
