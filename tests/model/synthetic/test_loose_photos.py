"""Loose photos of one made-up person."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from model.synthetic.datasets.loose_photos import loose_photos, moment, somebody

SEED = 3


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    return loose_photos(SEED, 4, 96, 128)


def test_the_same_seed_gives_the_same_photos_however_many(photos: list[Image.Image]) -> None:
    assert [photo.tobytes() for photo in loose_photos(SEED, 2, 96, 128)] == [photo.tobytes() for photo in photos[:2]]
    assert loose_photos(SEED + 1, 1, 96, 128)[0].tobytes() != photos[0].tobytes()


def test_a_person_stays_the_same_while_pose_place_and_light_change() -> None:
    person, moments = somebody(SEED), [moment(SEED, number) for number in range(10)]
    for seen in moments:
        assert (seen.betas == person.betas).all()
        assert (seen.look, seen.garments) == (person.look, person.garments)
    for changing in ("pose", "shot", "room", "light"):
        assert len({repr(getattr(seen, changing)) for seen in moments}) == len(moments)


def test_alpha_is_the_outline_before_an_even_wall(photos: list[Image.Image]) -> None:
    for photo in photos:
        levels = np.asarray(photo).astype(int)
        assert levels.shape == (128, 96, 4)
        alpha = levels[..., 3]
        assert 0.08 < (alpha == 255).mean() < 0.8
        assert 0 < ((alpha > 0) & (alpha < 255)).mean() < 0.15
        for row in levels:
            wall = row[row[:, 3] == 0, :3]
            assert (wall == wall[:1]).all()


def test_a_room_changes_nothing_but_what_is_behind(photos: list[Image.Image]) -> None:
    plain, furnished = (np.asarray(photo) for photo in (photos[0], loose_photos(SEED, 1, 96, 128, furnished=True)[0]))
    assert (plain[..., 3] == furnished[..., 3]).all()
    inside, outside = plain[..., 3] == 255, plain[..., 3] == 0
    assert (plain[inside] == furnished[inside]).all()
    assert (plain[outside] != furnished[outside]).any(1).mean() > 0.9


def test_photos_are_of_all_sides_whole_and_cropped(photos: list[Image.Image]) -> None:
    front, _, cropped, side = (np.asarray(photo)[..., 3] > 127 for photo in photos)
    assert front.any(0).sum() > 1.5 * side.any(0).sum()
    assert not front[[0, -1]].any()
    assert cropped[-1].any()
