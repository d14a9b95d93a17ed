"""Dressed people as one closed surface."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.people3d.outfit import random_outfit
from bench.people3d.people3d import Person, dressed_body, random_person
from model.body.a_pose import a_pose
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals

SEED = 3


@pytest.fixture(scope="module")
def person() -> Person:
    return random_person(SEED)


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def test_a_dressed_body_is_one_closed_coloured_surface_about_the_bare_one(person: Person) -> None:
    mesh = person.a_pose()
    edges = np.sort(mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).numpy(), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    bare = a_pose(person.body, person.betas)
    assert 1.05 < volume(mesh) / volume(bare) < 1.5
    assert mesh.colours is not None
    assert mesh.colours.shape == mesh.vertices.shape
    assert ((mesh.colours >= 0) & (mesh.colours <= 1)).all()


def test_the_same_seed_gives_the_same_person_and_another_another(person: Person) -> None:
    again, expected = dressed_body(SEED), person.a_pose()
    assert torch.equal(again.vertices, expected.vertices)
    assert again.colours is not None
    assert torch.equal(again.colours, person.colours)
    assert not torch.equal(random_person(SEED + 1).betas, person.betas)


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


def test_lowered_arms_take_their_sleeves_along(person: Person) -> None:
    low = person.a_pose().vertices
    left, right = person.vertices[:, 0] > 0.4, person.vertices[:, 0] < -0.4
    for side in (left, right):
        assert low[side, 1].mean() < person.vertices[side, 1].mean() - 0.2
    middle = person.vertices[:, 0].abs() < 0.05
    assert torch.allclose(low[middle], person.vertices[middle], atol=0.01)
