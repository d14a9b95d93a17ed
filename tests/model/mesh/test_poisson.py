"""Screened Poisson reconstruction, where its library is installed."""

from __future__ import annotations

import torch

from model.mesh.components import joined
from model.mesh.mesh import Mesh
from model.mesh.poisson import poisson, sealed
from tests.model.mesh.meshes import euler, is_closed, sphere


def test_points_of_a_sphere_become_that_sphere() -> None:
    mesh = sphere(4)
    surface = poisson(mesh.vertices, mesh.vertices, depth=5)
    assert is_closed(surface.faces)
    assert euler(len(surface.vertices), surface.faces) == 2
    assert (surface.vertices.norm(dim=1) - 1).abs().max() < 0.02


def test_overlapping_parts_become_one_closed_surface() -> None:
    mesh = sphere(4)
    apart = torch.tensor([1.2, 0, 0])
    surface = sealed(joined([mesh, Mesh(mesh.vertices + apart, mesh.faces)]), depth=6)
    assert is_closed(surface.faces)
    assert euler(len(surface.vertices), surface.faces) == 2
    assert surface.vertices[:, 0].max() > 2.1


def test_the_smaller_of_two_surfaces_is_dropped() -> None:
    mesh = sphere(3)
    both = joined([mesh, Mesh(0.2 * mesh.vertices + torch.tensor([3.0, 0, 0]), mesh.faces)])
    assert sealed(both, depth=6).vertices[:, 0].max() < 1.5
