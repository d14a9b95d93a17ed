"""Charts side by side, textures sampled, and meshes brought to a budget."""

from __future__ import annotations

import pytest
import torch

from model.mesh.atlas import Atlas, sample_texture, unwrap
from model.mesh.decimation import decimated
from model.mesh.mesh import Mesh
from model.mesh.normals import face_normals
from model.mesh.rasterise_torch import Torch
from tests.model.mesh.painted import figure
from tests.model.mesh.shapes import sphere

SIZE = 256


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return figure(3)


@pytest.fixture(scope="module")
def atlas(mesh: Mesh) -> Atlas:
    return unwrap(mesh, SIZE)


def test_an_atlas_has_the_meshs_triangles_in_their_order(mesh: Mesh, atlas: Atlas) -> None:
    assert torch.equal(atlas.source[atlas.faces], mesh.faces)
    assert atlas.uv.dtype == torch.float32
    assert atlas.uv.min() >= 0
    assert atlas.uv.max() <= 1
    assert atlas.size == SIZE


def test_charts_do_not_overlap(atlas: Atlas) -> None:
    a, b, c = (atlas.uv[atlas.faces] * SIZE).unbind(1)
    areas = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).abs() / 2
    flat = torch.cat([atlas.uv * 2 - 1, torch.zeros(len(atlas.uv), 1), torch.ones(len(atlas.uv), 1)], dim=1)
    covered = (Torch().rasterise(flat[None], atlas.faces, SIZE, SIZE).faces >= 0).sum()
    assert float(areas.sum()) == pytest.approx(float(covered), rel=0.01)
    assert covered > 0.2 * SIZE**2


def test_equal_meshes_give_equal_atlases(mesh: Mesh, atlas: Atlas) -> None:
    again = unwrap(mesh, SIZE)
    assert torch.equal(again.uv, atlas.uv)
    assert torch.equal(again.source, atlas.source)


def test_a_texture_is_sampled_at_texel_centres_from_the_top_left() -> None:
    texture = torch.rand((4, 6, 3), generator=torch.Generator().manual_seed(0))
    rows, columns = torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij")
    uv = torch.stack([(columns + 0.5) / 6, (rows + 0.5) / 4], dim=-1)
    torch.testing.assert_close(sample_texture(texture, uv), texture)
    between = sample_texture(texture, torch.tensor([1 / 6, 0.5 / 4]))
    torch.testing.assert_close(between, (texture[0, 0] + texture[0, 1]) / 2)
    torch.testing.assert_close(sample_texture(texture, torch.tensor([[0.0, 0.0]])), texture[0, :1])


def test_a_decimated_sphere_is_round_closed_and_within_the_budget() -> None:
    vertices, faces = sphere(5, radius=1.0)
    small = decimated(Mesh(vertices, faces), 5000)
    assert 4900 <= len(small.faces) <= 5000
    assert (small.vertices.norm(dim=1) - 1).abs().max() < 0.005
    edges = small.faces[:, [0, 1, 1, 2, 2, 0]].view(-1, 2).sort(dim=1).values
    assert (torch.unique(edges, dim=0, return_counts=True)[1] == 2).all()
    outward = (face_normals(small.vertices, small.faces) * small.vertices[small.faces].mean(1)).sum(-1)
    assert (outward > 0).all()


def test_a_mesh_within_the_budget_is_left_alone(mesh: Mesh) -> None:
    assert decimated(mesh, len(mesh.faces)) is mesh
