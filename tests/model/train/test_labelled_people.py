"""Made-up people every pixel of whose photos is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.clothes.buffers import BodyLayer
from model.engines.template.place_network import turned_back
from model.train.template.kept_people import KeptPeople, LabelledPhotos
from model.train.template.labelled_people import LabelledPerson, SquareCrop, labelled_person
from model.weights.pack import DEMO

SIZE = 64


@pytest.fixture(scope="module")
def person() -> LabelledPerson:
    return labelled_person(3, SIZE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def kept(folder: Path) -> KeptPeople:
    return KeptPeople(folder, first=3, people=2, size=SIZE, weights=DEMO)


def test_paintings_share_geometry_and_differ_in_colours(person: LabelledPerson) -> None:
    first, second = person.colours.astype(int)
    assert np.array_equal(first[..., 3], second[..., 3])
    somebody = first[..., 3] == 255
    assert np.abs(first - second)[somebody].mean() > 10


def test_labels_lie_where_the_person_is(person: LabelledPerson) -> None:
    alpha = person.colours[0, ..., 3]
    assert (alpha[person.layers > 0] > 60).mean() > 0.98
    assert (alpha[person.layers == 0] < 196).mean() > 0.99
    assert (np.abs(person.places).sum(-1)[person.coarse_layers > 0] > 0).all()
    assert (person.places[person.coarse_layers == 0] == 0).all()


def test_people_fill_their_square_as_photos_are_framed(person: LabelledPerson) -> None:
    for layers in person.layers:
        rows, columns = layers.any(1).sum(), layers.any(0).sum()
        assert max(rows, columns) == pytest.approx(0.925 * SIZE, abs=1.5)


def test_shoes_are_lowest_and_hair_is_highest(person: LabelledPerson) -> None:
    heights = person.places[..., 1].astype(np.float32)
    assert heights[person.coarse_layers == BodyLayer.SHOES].max() < -0.7
    assert heights[person.coarse_layers == BodyLayer.HAIR].min() > 0.25


def test_the_azimuth_says_which_side_is_seen(person: LabelledPerson) -> None:
    places = torch.from_numpy(person.places.astype(np.float32)).permute(0, 3, 1, 2)
    azimuths = torch.from_numpy(person.azimuths)
    _, _, near = turned_back(places, torch.stack([azimuths.sin(), azimuths.cos()], 1)).unbind(1)
    trunk = torch.from_numpy((person.coarse_layers >= BodyLayer.UPPER) & (person.coarse_layers <= BodyLayer.ONE_PIECE))
    assert all(near[photo][trunk[photo]].mean() > 0.02 for photo in range(len(near)) if trunk[photo].any())


def test_evenly_lit_paintings_differ_by_light_alone(person: LabelledPerson) -> None:
    """Of two photos of one painting, the colours of a garment are nearer to each other evenly lit."""
    small = person.colours[0].reshape(-1, SIZE // 2, 2, SIZE // 2, 2, 4).mean((2, 4))
    covered = (person.coarse_layers == BodyLayer.ONE_PIECE) & (small[..., 3] > 250)
    lit = [small[photo][covered[photo]][:, :3].mean(0) for photo in range(2)]
    even = [person.even[0, photo][covered[photo]].mean(0) for photo in range(2)]
    assert np.abs(even[0] - even[1]).max() < np.abs(lit[0] - lit[1]).max()


def test_a_frame_takes_the_nearest_pixel_and_nothing_from_beyond_the_border() -> None:
    plane = np.arange(16.0, dtype=np.float32).reshape(4, 4)
    assert np.array_equal(SquareCrop(2, 2, 4, 4).nearest(plane), plane)
    assert np.array_equal(SquareCrop(0, 2, 4, 4).nearest(plane)[:, :2], np.zeros((4, 2)))
    assert np.array_equal(SquareCrop(2, 2, 4, 2).nearest(plane), [[5, 7], [13, 15]])


def test_kept_people_are_those_that_were_made(kept: KeptPeople, person: LabelledPerson) -> None:
    photos = kept.batch([0, 7])  # the first person: the first photo, and the third one painted anew
    assert len(kept) == 20
    assert torch.equal(photos.layers, torch.from_numpy(person.layers[[0, 2]]).long())
    colours = torch.from_numpy(np.stack([person.colours[0, 0], person.colours[1, 2]])).permute(0, 3, 1, 2)
    assert torch.equal(photos.colours, colours.float() / 255)
    assert torch.equal(photos.azimuths, torch.from_numpy(person.azimuths[[0, 2]]))


def test_what_is_kept_is_not_made_again(folder: Path, kept: KeptPeople) -> None:
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.npy")}
    again = KeptPeople(folder, first=3, people=2, size=SIZE, weights=DEMO)
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.npy")} == before
    assert _equal(again.batch([13]), kept.batch([13]))


def test_label_networks_are_asked_about_every_photo(kept: KeptPeople, person: LabelledPerson) -> None:
    """They find most of the person, and nothing where nobody is."""
    parsed = kept.batch(range(5)).parsed
    assert parsed.shape == (5, 3, SIZE // 2, SIZE // 2)
    there = torch.from_numpy(person.coarse_layers > 0)
    assert (parsed > 0).all(1)[there].float().mean() > 0.8
    assert (parsed > 0).any(1)[~there].float().mean() < 0.05


def _equal(one: LabelledPhotos, other: LabelledPhotos) -> bool:
    return all(torch.equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))
