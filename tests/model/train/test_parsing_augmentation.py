"""Photos varied for the parser: labels stay on what they name, and left stays the person's left."""

from __future__ import annotations

import numpy as np
import pytest

from model.train.parsing.augmentation import as_seen, mirrored, varied
from model.train.parsing.people import MAPS

SHIRT = 5  # a class that is called the same when mirrored


def blocks() -> tuple[np.ndarray, np.ndarray]:
    """A bright block on black, whose label is SHIRT in all maps."""
    labels = np.zeros((3, 256, 192), np.uint8)
    labels[1:, 60:150, 40:120] = SHIRT - 1  # ATR's and LIP's 4 have no other side
    return np.repeat((labels[1, :, :, None] > 0) * np.uint8(220), 3, 2), labels


@pytest.mark.parametrize("size", [(144, 192), (96, 128)])
@pytest.mark.parametrize("seed", range(4))
def test_labels_lie_on_what_they_name(seed: int, size: tuple[int, int]) -> None:
    photo, labels = varied(*blocks(), size, np.random.default_rng(seed))
    assert photo.shape == (size[1], size[0], 3)
    assert labels.shape == (3, size[1] // 2, size[0] // 2)
    bright = photo.reshape(size[1] // 2, 2, size[0] // 2, 2, 3).mean((1, 3, 4)) > 70
    named = labels[1] > 0
    assert named.any()
    assert (bright == named).mean() > 0.97


def test_unvaried_photos_are_only_stretched() -> None:
    photo, labels = blocks()
    seen, names = as_seen(photo, labels, (192, 256))
    assert (seen == photo).all()
    assert (names == labels[:, 1::2, 1::2]).all()


def test_variations_are_those_of_the_generator() -> None:
    first, again, other = (varied(*blocks(), (96, 128), np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [("lip", 14, 15), ("lip", 18, 19), ("atr", 12, 13), ("densepose", 4, 3), ("densepose", 23, 24)],
)
def test_in_the_mirror_left_is_right(name: str, left: int, right: int) -> None:
    labels = np.zeros((3, 2, 4), np.uint8)
    labels[list(MAPS).index(name), 0, 0] = left
    photo = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    mirror, names = mirrored(photo, labels)
    assert names[list(MAPS).index(name)].tolist() == [[0, 0, 0, right], [0, 0, 0, 0]]
    assert (mirror[:, ::-1] == photo).all()
    back, same = mirrored(mirror, names)
    assert (back == photo).all()
    assert (same == labels).all()
