"""The surfaces that clothes are cut from: how they are exported, and the file that is committed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from model.body.joints import JOINTS
from model.body.smplx import read_body
from model.clothes.wardrobe import FILE, PIECES, Piece
from model.engines.up2you.files import BODY
from model.errors import WeightsError
from model.mesh.distance import nearest_vertices
from model.mesh.mesh import Mesh
from model.mesh.normals import face_normals, vertex_normals
from model.synthetic.making.anny_body import Bodies
from model.synthetic.making.wardrobe_export import export_piece, main
from model.synthetic.people.body import wardrobe
from model.weights.pack import DEMO

NUMBER = {name: i for i, name in enumerate(JOINTS)}


def mesh(name: str, betas: np.ndarray) -> Mesh:
    piece = wardrobe()[name]
    return Mesh(torch.from_numpy(piece.shaped(betas)), torch.from_numpy(piece.faces))


def some_betas(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=10).clip(-1.6, 1.6).astype(np.float32)


def rims(piece: Piece) -> list[np.ndarray]:
    """The vertices of every open edge loop, (n, 3), from top to bottom."""
    edges, uses = np.unique(
        np.sort(piece.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)), axis=0, return_counts=True
    )
    loops: list[set[int]] = []
    for edge in edges[uses == 1].tolist():
        touching = [loop for loop in loops if loop & set(edge)]
        loops = [loop for loop in loops if loop not in touching] + [set(edge).union(*touching)]
    return sorted((piece.template[list(loop)] for loop in loops), key=lambda rim: -float(rim[:, 1].mean()))


def test_a_part_of_the_body_is_exported_as_the_body_itself() -> None:
    body = read_body(DEMO / BODY)
    betas = torch.randn(14, 10, generator=torch.Generator().manual_seed(0))
    turns = torch.zeros(len(JOINTS), 3)
    turns[NUMBER["left_shoulder"], 2], turns[NUMBER["right_shoulder"], 2] = -0.8, 0.8
    stands = [body.posed(some, turns) for some in betas]
    people = Bodies(
        np.stack([stand.vertices.double().numpy() for stand in stands]),
        np.stack([stand.joints.double().numpy() for stand in stands]),
        body.faces.numpy(),
        body.weights.double().numpy(),
    )
    first, second, third = body.faces[::97].T.numpy()
    quads = np.stack([first, second, third, np.roll(third, 1)], 1)
    part = export_piece(betas.double().numpy(), people, quads)
    used = np.unique(quads)
    assert np.array_equal(used[part["faces"]], np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]))
    assert np.array_equal(part["weights"], body.weights.half().numpy()[used])
    assert np.abs(part["template"] - body.template.numpy()[used]).max() < 5e-4
    assert np.abs(part["shapedirs"] - body.shape_directions.numpy()[used]).max() < 5e-5


@pytest.mark.skipif(find_spec("anny") is not None, reason="Anny is installed")
def test_without_anny_the_export_says_what_to_install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "wardrobe.npz")]) == 1
    assert "pip install 'atelier[synthetic]'" in capsys.readouterr().err


def test_a_file_without_an_array_is_refused_by_its_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "wardrobe.npz", tights_template=np.zeros((3, 3), np.float32))
    with pytest.raises(WeightsError, match=r"wardrobe\.npz: no array tights_shapedirs"):
        wardrobe(tmp_path / "wardrobe.npz")


# -- the committed file --------------------------------------------------------------------------------------------


def test_the_committed_file_is_free_and_small() -> None:
    with np.load(FILE, allow_pickle=False) as arrays:
        assert "CC0" in str(arrays["licence"])
    assert FILE.stat().st_size < 4e5


@pytest.mark.parametrize("name", ["body", *PIECES])
def test_arrays_fit_together(name: str) -> None:
    piece = wardrobe()[name]
    count = len(piece.template)
    assert piece.template.shape == (count, 3)
    assert piece.shapedirs.shape == (count, 3, 10)
    assert piece.weights.shape == (count, len(JOINTS))
    assert {piece.template.dtype, piece.shapedirs.dtype, piece.weights.dtype} == {np.dtype(np.float32)}
    assert piece.faces.dtype == np.int64
    assert np.array_equal(np.unique(piece.faces), np.arange(count))
    assert np.allclose(piece.weights.sum(1), 1, atol=1e-6)
    assert (piece.weights >= 0).all()


@pytest.mark.parametrize("name", ["tights", "skirt"])
@pytest.mark.parametrize("seed", range(3))
def test_clothes_lie_just_outside_every_body(name: str, seed: int) -> None:
    betas = some_betas(seed)
    cloth, body = mesh(name, betas), mesh("body", betas)
    nearest = nearest_vertices(cloth.vertices, body)
    away = cloth.vertices - body.vertices[nearest]
    outwards = (away * vertex_normals(body.vertices, body.faces)[nearest]).sum(1)
    assert (outwards > 0).float().mean() > 0.995
    assert outwards.min() > -0.01
    assert away.norm(dim=1).max() < {"tights": 0.03, "skirt": 0.2}[name]


@pytest.mark.parametrize("name", ["tights", "skirt"])
def test_faces_look_outwards(name: str) -> None:
    cloth, body = mesh(name, np.zeros(10, np.float32)), mesh("body", np.zeros(10, np.float32))
    nearest = nearest_vertices(cloth.vertices, body)
    facing = face_normals(cloth.vertices, cloth.faces)
    skin = vertex_normals(body.vertices, body.faces)[nearest[cloth.faces]].mean(1)
    assert ((facing * skin).sum(1) > 0).all()


def test_tights_end_at_neck_and_wrists_and_a_skirt_at_waist_and_ankles() -> None:
    neck, *wrists = rims(wardrobe()["tights"])
    assert len(wrists) == 2
    assert neck[:, 1].min() > 0.54
    assert sorted(round(float(wrist[:, 0].mean()), 2) for wrist in wrists) == [-0.68, 0.68]
    waist, hem = rims(wardrobe()["skirt"])
    assert waist[:, 1].mean() == pytest.approx(0.10, abs=0.01)
    assert hem[:, 1].mean() == pytest.approx(-0.78, abs=0.01)
