"""Dressed people in three dimensions, and photos of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from model.body.a_pose import a_pose
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.synthetic.loose_photos import loose_photos
from model.synthetic.outfit import random_outfit
from model.synthetic.people3d import Person, dressed_body, random_person

SEED = 3


@pytest.fixture(scope="module")
def person() -> Person:
    return random_person(SEED)


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    return loose_photos(SEED, 4, 96, 128)


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def test_a_dressed_body_is_one_closed_coloured_surface_about_the_bare_one(person: Person) -> None:
    mesh = dressed_body(SEED)
    edges = np.sort(mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).numpy(), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    bare = a_pose(person.body, person.betas)
    assert 1.05 < volume(mesh) / volume(bare) < 1.5
    assert mesh.colours is not None
    assert mesh.colours.shape == mesh.vertices.shape
    assert ((mesh.colours >= 0) & (mesh.colours <= 1)).all()


def test_the_same_seed_gives_the_same_person_and_another_another(person: Person) -> None:
    again, other = random_person(SEED), random_person(SEED + 1)
    assert torch.equal(again.vertices, person.vertices)
    assert torch.equal(again.colours, person.colours)
    assert not torch.equal(other.betas, person.betas)


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("top", (0.0, 0.25, 0.14)),
        ("trousers", (0.13, -0.3, 0.09)),
        ("skin", (0.66, 0.44, 0.01)),
        ("skin", (0.0, 0.74, 0.13)),  # forehead
        ("shoes", (0.14, -0.85, 0.09)),
    ],
)
def test_clothes_lie_where_they_were_cut(person: Person, part: str, place: tuple[float, float, float]) -> None:
    outfit = random_outfit(np.random.default_rng(SEED))
    assert outfit.stripes is None
    nearest = (person.body.template - torch.tensor(place)).norm(dim=1).argmin()
    assert (person.colours[nearest] - torch.tensor(getattr(outfit, part))).abs().max() < 0.05


def test_cloth_hangs_free_of_the_skin(person: Person) -> None:
    bare = person.body.shaped(person.betas)
    outward = ((person.vertices[: len(bare)] - bare) * vertex_normals(bare, person.body.faces)).sum(1)
    places = person.body.template
    belly = (places[:, 1].abs() < 0.05) & (places[:, 0].abs() < 0.1)
    hands = places[:, 0].abs() > 0.7
    assert 0.005 < outward[belly].mean() < 0.05
    assert outward[hands].abs().max() == 0


def test_posing_turns_the_clothes_with_the_body(person: Person) -> None:
    low, spread = person.posed({"left_shoulder": (0, 0, -1.2)}), person.posed({})
    left = spread.vertices[:, 0] > 0.4
    assert low.vertices[left, 1].mean() < spread.vertices[left, 1].mean() - 0.3
    right = spread.vertices[:, 0] < -0.3
    assert torch.allclose(low.vertices[right], spread.vertices[right], atol=1e-5)


def test_photos_have_a_true_outline_before_an_even_wall(photos: list[Image.Image]) -> None:
    for photo in photos:
        levels = np.asarray(photo).astype(int)
        assert levels.shape == (128, 96, 4)
        alpha = levels[..., 3]
        assert 0.08 < (alpha == 255).mean() < 0.8
        assert 0 < ((alpha > 0) & (alpha < 255)).mean() < 0.15
        for row in levels[alpha[:, 0] == 0]:
            wall = row[row[:, 3] == 0, :3]
            assert (wall == wall[0]).all()


def test_photos_are_of_all_sides_and_always_the_same(photos: list[Image.Image]) -> None:
    assert [photo.tobytes() for photo in loose_photos(SEED, 2, 96, 128)] == [photo.tobytes() for photo in photos[:2]]
    whole = [np.asarray(photo)[..., 3] for photo in (photos[0], photos[3])]
    assert (whole[0] > 0).any(0).sum() > 1.5 * (whole[1] > 0).any(0).sum()  # narrower from the side
    assert not (whole[0][0] > 0).any()
    assert (np.asarray(photos[2])[-1, :, 3] > 0).any()  # cropped
