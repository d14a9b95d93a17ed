"""The avatar's files, from a mesh around a body of known joints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pygltflib
import pytest
import torch
import trimesh
from PIL import Image

from model.avatar.export import export_avatar
from model.body.a_pose import pose_a
from model.body.joints import JOINTS
from model.body.skinning import strongest
from model.body.smplx import BodyModel, Posed
from model.mesh.atlas import Atlas
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from tests.gltf import complaints
from tests.model.body.figure import CROTCH, HEIGHT, make_figure

BETAS = torch.tensor([1.0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
GROWTH = 1.05


@pytest.fixture(scope="module")
def body() -> BodyModel:
    """A figure whose origin is at its pelvis, as the published body's is, and which grows with its first component."""
    figure = make_figure(around=16, along=16)
    template = figure.mesh.vertices - torch.tensor([0.0, 0.95, 0.0])
    centred = torch.cat([template.double(), torch.ones(len(template), 1, dtype=torch.float64)], dim=1)
    joints = figure.joints.double() - torch.tensor([0.0, 0.95, 0.0])
    # any regressor will do that gives the joints back and whose rows sum to 1
    of_joints = torch.cat([joints, torch.ones(55, 1, dtype=torch.float64)], dim=1) @ torch.linalg.pinv(centred)
    return BodyModel(
        template=template,
        faces=figure.mesh.faces,
        shape_directions=template[..., None] * torch.eye(10)[0] * 0.05,
        expression_directions=torch.zeros(len(template), 3, 0),
        pose_directions=torch.zeros(0, template.numel()),
        joint_regressor=of_joints.float(),
        weights=figure.weights,
        parents=torch.tensor(figure.parents),
    )


@pytest.fixture(scope="module")
def posed(body: BodyModel) -> Posed:
    return pose_a(body, BETAS)


@pytest.fixture(scope="module")
def mesh(body: BodyModel, posed: Posed) -> Mesh:
    """The dressed person: 2 cm outside of the body."""
    vertices = posed.vertices + 0.02 * vertex_normals(posed.vertices, body.faces)
    return Mesh(vertices, body.faces, (vertices - vertices.amin(0)) / 2)


def painting(mesh: Mesh) -> tuple[Atlas, Image.Image]:
    """Two copies of the mesh side by side, each with half of the faces."""
    count, half = len(mesh.vertices), len(mesh.faces) // 2
    flat = (mesh.vertices - mesh.vertices.amin(0))[:, :2] / 2
    uv = torch.cat([flat * torch.tensor([0.5, 1.0]), flat * torch.tensor([0.5, 1.0]) + torch.tensor([0.5, 0.0])])
    atlas = Atlas(torch.arange(count).repeat(2), torch.cat([mesh.faces[:half], mesh.faces[half:] + count]), uv, 64)
    return atlas, Image.linear_gradient("L").convert("RGB").resize((64, 64))


def test_all_formats_of_a_painted_avatar(mesh: Mesh, body: BodyModel, posed: Posed, tmp_path: Path) -> None:
    files = export_avatar(
        tmp_path, mesh, body, BETAS, posed, painting(mesh), formats=("glb", "obj", "ply"), notice="A licence."
    )
    names = ["avatar.glb", "avatar.obj", "avatar.mtl", "avatar.png", "avatar.ply", "body.json"]
    assert [file.name for file in files] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    document = pygltflib.GLTF2().load(tmp_path / "avatar.glb")
    assert (len(document.images), len(document.skins), document.asset.copyright) == (1, 1, "A licence.")
    assert complaints(tmp_path / "avatar.glb") == []
    for name in ("avatar.glb", "avatar.obj", "avatar.ply"):
        bounds = trimesh.load(tmp_path / name, process=False).bounds
        assert np.allclose((bounds[0] + bounds[1])[[0, 2]], 0, atol=1e-5)
        assert bounds[0, 1] == pytest.approx(0, abs=1e-5)
    ply = trimesh.load(tmp_path / "avatar.ply", process=False)
    assert len(ply.vertices) == len(mesh.vertices)
    assert mesh.colours is not None
    assert np.allclose(ply.visual.vertex_colors[:, :3] / 255, mesh.colours.clamp(0, 1), atol=1 / 255)


def test_without_an_atlas_vertices_carry_the_colours(mesh: Mesh, body: BodyModel, posed: Posed, tmp_path: Path) -> None:
    files = export_avatar(tmp_path, mesh, body, BETAS, posed, formats=("glb", "obj"))
    assert [file.name for file in files] == ["avatar.glb", "avatar.obj", "body.json"]
    document = pygltflib.GLTF2().load(tmp_path / "avatar.glb")
    assert document.meshes[0].primitives[0].attributes.COLOR_0 is not None
    assert document.images == []
    assert complaints(tmp_path / "avatar.glb") == []


def test_the_skeleton_stands_inside_the_avatar(mesh: Mesh, body: BodyModel, posed: Posed, tmp_path: Path) -> None:
    export_avatar(tmp_path, mesh, body, BETAS, posed, formats=["glb"])
    document = pygltflib.GLTF2().load(tmp_path / "avatar.glb")
    pelvis = next(node for node in document.nodes if node.name == "pelvis")
    assert pelvis.translation == pytest.approx([0, 0.95 * GROWTH + 0.02, 0], abs=1e-3)  # soles of 2 cm
    said = json.loads((tmp_path / "body.json").read_text())
    assert said["joints"]["pelvis"] == pytest.approx(pelvis.translation, abs=1e-5)
    assert said["measurements"]["height"] == pytest.approx(HEIGHT * GROWTH, abs=1e-3)
    assert said["measurements"]["inseam"] == pytest.approx(CROTCH * GROWTH, abs=2e-3)
    assert said["betas"] == pytest.approx(BETAS.tolist())


def test_rig_off_leaves_out_all_of_the_body_model(mesh: Mesh, body: BodyModel, posed: Posed, tmp_path: Path) -> None:
    export_avatar(tmp_path, mesh, body, BETAS, posed, formats=["glb"], rig=False)
    document = pygltflib.GLTF2().load(tmp_path / "avatar.glb")
    attributes = document.meshes[0].primitives[0].attributes
    assert (document.skins, len(document.nodes)) == ([], 1)
    assert (attributes.JOINTS_0, attributes.WEIGHTS_0) == (None, None)
    assert sorted(json.loads((tmp_path / "body.json").read_text())) == ["axes", "betas", "measurements", "unit"]


def test_the_body_alone_keeps_its_own_weights(body: BodyModel, posed: Posed, tmp_path: Path) -> None:
    export_avatar(tmp_path, Mesh(posed.vertices, body.faces), body, BETAS, posed, formats=["glb"])
    document = pygltflib.GLTF2().load(tmp_path / "avatar.glb")
    accessor = document.accessors[document.meshes[0].primitives[0].attributes.WEIGHTS_0]
    start = document.bufferViews[accessor.bufferView].byteOffset
    written = np.frombuffer(document.binary_blob(), np.float32, accessor.count * 4, start).reshape(-1, 4)
    assert np.array_equal(written, strongest(body.weights).weights.numpy())
    assert len(document.skins[0].joints) == len(JOINTS)
