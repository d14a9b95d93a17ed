"""Meshes cut along the borders of their parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from model.mesh.mesh import Mesh
from model.mesh.partition import partitioned


@pytest.fixture(scope="module")
def ball() -> Mesh:
    sphere = trimesh.creation.icosphere(3)
    vertices = torch.tensor(np.array(sphere.vertices), dtype=torch.float32)
    return Mesh(vertices, torch.tensor(np.array(sphere.faces)), vertices / 2 + 0.5)


def thirds(ball: Mesh) -> torch.Tensor:
    """A cap, a belt and another cap: (V, 3)."""
    height = ball.vertices[:, 1]
    return torch.stack([height > 0.4, height.abs() <= 0.4, height < -0.4], 1).float()


def test_each_part_is_where_it_was_said_to_be(ball: Mesh) -> None:
    cut, parts = partitioned(ball, thirds(ball))
    middles = cut.vertices[cut.faces].mean(1)[:, 1]
    assert middles[parts == 0].min() > 0.25
    assert middles[parts == 1].abs().max() < 0.55
    assert middles[parts == 2].max() < -0.25


def test_a_closed_surface_stays_closed_and_keeps_its_shape_and_colours(ball: Mesh) -> None:
    cut, parts = partitioned(ball, thirds(ball))
    before, after = (trimesh.Trimesh(mesh.vertices, mesh.faces, process=False) for mesh in (ball, cut))
    assert len(parts) == len(cut.faces) > len(ball.faces)
    assert after.is_watertight
    assert after.is_winding_consistent
    assert after.volume == pytest.approx(before.volume, rel=1e-4)
    assert cut.colours is not None
    assert torch.allclose(cut.colours, cut.vertices / 2 + 0.5, atol=1e-6)


def test_borders_are_smooth(ball: Mesh) -> None:
    """They run along the circle, not up and down along the triangles' edges, which are a quarter as long."""
    cut, parts = partitioned(ball, thirds(ball))
    cap, rest = (torch.unique(cut.faces[parts == part]) for part in (0, 1))
    border = cut.vertices[cap[torch.isin(cap, rest)], 1]
    edges = (ball.vertices[ball.faces[:, 0]] - ball.vertices[ball.faces[:, 1]]).norm(dim=1)
    assert border.std() < edges.mean() / 4


def test_one_part_alone_is_not_cut(ball: Mesh) -> None:
    cut, parts = partitioned(ball, torch.tensor([[1.0, 0.0]]).expand(len(ball.vertices), 2))
    assert torch.equal(cut.faces, ball.faces)
    assert not parts.any()
