"""OBJ and PLY files: read back as written, the same in every run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from model.mesh.files import write_obj, write_ply
from model.mesh.mesh import Mesh
from model.mesh.surface import Surface


@pytest.fixture
def coloured() -> Surface:
    sphere = trimesh.creation.icosphere(subdivisions=2)
    vertices = torch.tensor(sphere.vertices, dtype=torch.float32)
    return Surface.painted(Mesh(vertices, torch.tensor(sphere.faces), (vertices + 1) / 2))


@pytest.fixture
def textured() -> Surface:
    """A square cut into two islands: six vertices of an atlas, four of the mesh."""
    corners = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    mesh = Mesh(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]))
    source = torch.tensor([0, 1, 2, 0, 2, 3])
    uv = torch.tensor([[0.0, 1], [0.4, 1], [0.4, 0.5], [0.6, 0.5], [1, 0], [0.6, 0]])
    picture = Image.linear_gradient("L").convert("RGB").resize((16, 16))
    return Surface.textured(mesh, source, torch.tensor([[0, 1, 2], [3, 4, 5]]), uv, picture)


def test_an_obj_holds_a_colour_in_every_vertex_line(coloured: Surface, tmp_path: Path) -> None:
    write_obj(tmp_path / "avatar.obj", coloured)
    lines = [line.split() for line in (tmp_path / "avatar.obj").read_text().splitlines()]
    rows = np.array([line[1:] for line in lines if line[:1] == ["v"]], dtype=np.float64)
    assert coloured.colours is not None
    assert np.allclose(rows[:, :3], coloured.positions, atol=1e-6)
    assert np.allclose(rows[:, 3:], coloured.colours, atol=0.5 / 255 + 1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["avatar.obj"]


def test_an_obj_names_its_material_and_picture(textured: Surface, tmp_path: Path) -> None:
    write_obj(tmp_path / "avatar.obj", textured)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["avatar.mtl", "avatar.obj", "avatar.png"]
    assert "mtllib avatar.mtl" in (tmp_path / "avatar.obj").read_text()
    assert "map_Kd avatar.png" in (tmp_path / "avatar.mtl").read_text()
    read = trimesh.load(tmp_path / "avatar.obj", process=False, force="mesh")
    assert textured.uv is not None
    assert np.allclose(read.vertices[read.faces], textured.positions[textured.faces], atol=1e-6)
    flipped = textured.uv.numpy() * [1, -1] + [0, 1]
    assert np.allclose(read.visual.uv[read.faces], flipped[textured.faces], atol=1e-6)
    assert np.array_equal(np.asarray(read.visual.material.image.convert("RGB")), np.asarray(textured.texture))


def test_a_ply_holds_positions_normals_and_colours(coloured: Surface, tmp_path: Path) -> None:
    write_ply(tmp_path / "avatar.ply", coloured)
    read = trimesh.load(tmp_path / "avatar.ply", process=False)
    assert coloured.colours is not None
    assert np.array_equal(read.vertices.astype(np.float32), coloured.positions.numpy())
    assert np.array_equal(read.faces, coloured.faces.numpy())
    assert np.allclose(read.vertex_normals, coloured.normals, atol=1e-6)
    assert np.allclose(read.visual.vertex_colors[:, :3] / 255, coloured.colours, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("paint", ["coloured", "textured"])
def test_two_runs_write_the_same_bytes(paint: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    surface: Surface = request.getfixturevalue(paint)
    written = []
    for run in ("one", "two"):
        folder = tmp_path / run
        folder.mkdir()
        write_obj(folder / "avatar.obj", surface)
        write_ply(folder / "avatar.ply", surface)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
