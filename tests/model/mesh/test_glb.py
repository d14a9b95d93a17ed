"""GLB files: valid, read back as written, and moved by their skeleton as the person would."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
import torch
import trimesh
from PIL import Image

from model.body.joints import JOINTS, MIXAMO, VRM
from model.body.skinning import transfer_skin
from model.mesh.glb import write_glb
from model.mesh.mesh import Mesh
from model.mesh.placement import grounded
from model.mesh.skeleton import Skeleton
from model.mesh.surface import Surface
from tests.gltf import complaints
from tests.model.body.figure import Figure, make_figure, pose


@pytest.fixture(scope="module")
def figure() -> Figure:
    return make_figure(around=16, along=16)


@pytest.fixture(scope="module")
def skeleton(figure: Figure) -> Skeleton:
    mesh, joints = figure.a_pose()
    skin = transfer_skin(mesh, mesh, figure.weights)
    return Skeleton(JOINTS, figure.parents, joints, skin, {"vrm": VRM, "mixamo": MIXAMO})


def textured(mesh: Mesh) -> Surface:
    """One island from the front, with a seam: the atlas holds every vertex twice."""
    vertices = mesh.vertices
    low, high = vertices.amin(0), vertices.amax(0)
    flat = ((vertices - low) / (high - low))[:, :2]
    uv = torch.stack([flat[:, 0], 1 - flat[:, 1]], dim=1)
    count = len(vertices)
    source = torch.arange(count).repeat(2)
    faces = torch.cat([mesh.faces[::2], mesh.faces[1::2] + count])
    picture = Image.linear_gradient("L").convert("RGB").resize((64, 64))
    return Surface.textured(mesh, source, faces, uv.repeat(2, 1), picture)


def coloured(mesh: Mesh) -> Surface:
    return Surface.painted(Mesh(mesh.vertices, mesh.faces, (mesh.vertices % 0.5) * 2))


@pytest.mark.parametrize("rigged", [True, False], ids=["rigged", "unrigged"])
@pytest.mark.parametrize("paint", [textured, coloured, Surface.painted], ids=["textured", "coloured", "bare"])
def test_the_validator_finds_nothing_to_say(
    figure: Figure, skeleton: Skeleton, paint: Any, rigged: bool, tmp_path: Path
) -> None:
    surface = paint(figure.a_pose()[0])
    doubled = surface.texture is not None
    source = torch.arange(len(surface.positions)) % len(skeleton.skin.joints)
    fitting = replace(skeleton, skin=skeleton.skin.at(source)) if doubled else skeleton
    write_glb(tmp_path / "avatar.glb", surface, fitting if rigged else None)
    assert complaints(tmp_path / "avatar.glb") == []


def test_the_validator_is_awake(figure: Figure, tmp_path: Path) -> None:
    surface = Surface.painted(figure.mesh)
    broken = Surface(surface.positions, surface.faces + 1, surface.normals * 2)
    write_glb(tmp_path / "broken.glb", broken)
    codes = {message["code"] for message in complaints(tmp_path / "broken.glb")}
    assert {"ACCESSOR_INDEX_OOB", "ACCESSOR_VECTOR3_NON_UNIT"} <= codes


def test_positions_faces_and_texture_survive(figure: Figure, tmp_path: Path) -> None:
    surface = textured(figure.a_pose()[0])
    write_glb(tmp_path / "avatar.glb", surface)
    read = trimesh.load(tmp_path / "avatar.glb", process=False, force="mesh")
    assert np.array_equal(read.vertices.astype(np.float32), surface.positions.numpy())
    assert np.array_equal(read.faces, surface.faces.numpy())
    assert surface.uv is not None
    assert np.allclose(read.visual.uv, surface.uv.numpy() * [1, -1] + [0, 1], atol=1e-6)  # its origin is at the bottom
    picture = read.visual.material.baseColorTexture
    assert np.array_equal(np.asarray(picture), np.asarray(surface.texture))


def test_vertex_colours_are_written_as_linear_light(tmp_path: Path) -> None:
    grey = torch.full((3, 3), 0.5)
    surface = Surface.painted(Mesh(torch.eye(3), torch.tensor([[0, 1, 2]]), grey))
    write_glb(tmp_path / "triangle.glb", surface)
    colours = values(tmp_path / "triangle.glb", "COLOR_0") / 65535
    assert np.allclose(colours, [0.21404, 0.21404, 0.21404, 1], atol=1e-4)


def test_smooth_normals_ignore_the_seams_of_the_atlas(figure: Figure) -> None:
    mesh = figure.a_pose()[0]
    normals = textured(mesh).normals
    assert torch.equal(normals[: len(mesh.vertices)], normals[len(mesh.vertices) :])


def test_two_runs_write_the_same_bytes_and_say_who_made_them(
    figure: Figure, skeleton: Skeleton, tmp_path: Path
) -> None:
    for name in ("one.glb", "two.glb"):
        write_glb(tmp_path / name, coloured(figure.a_pose()[0]), skeleton, notice="The body's licence applies.")
    assert (tmp_path / "one.glb").read_bytes() == (tmp_path / "two.glb").read_bytes()
    asset = pygltflib.GLTF2().load(tmp_path / "one.glb").asset
    assert (asset.generator, asset.copyright) == ("Atelier", "The body's licence applies.")


def test_joints_are_named_and_know_their_names_elsewhere(figure: Figure, skeleton: Skeleton, tmp_path: Path) -> None:
    write_glb(tmp_path / "avatar.glb", coloured(figure.a_pose()[0]), skeleton)
    document = pygltflib.GLTF2().load(tmp_path / "avatar.glb")
    nodes = [document.nodes[index] for index in document.skins[0].joints]
    assert [node.name for node in nodes] == list(JOINTS)
    assert nodes[JOINTS.index("left_shoulder")].extras == {"vrm": "leftUpperArm", "mixamo": "LeftArm"}
    assert nodes[JOINTS.index("right_pinky2")].extras == {"vrm": "rightLittleIntermediate", "mixamo": "RightHandPinky2"}
    assert nodes[JOINTS.index("jaw")].extras == {"vrm": "jaw"}


def test_a_bent_elbow_moves_only_its_forearm(figure: Figure, skeleton: Skeleton, tmp_path: Path) -> None:
    mesh, joints = figure.a_pose()
    write_glb(tmp_path / "avatar.glb", coloured(mesh), skeleton)
    read, read_weights, parents, read_joints = read_skeleton(tmp_path / "avatar.glb")
    assert np.allclose(read_weights.sum(1), 1, atol=1e-6)
    assert torch.allclose(read_joints, joints, atol=1e-6)
    same, _ = pose(read, read_weights, parents, read_joints, {})
    assert torch.allclose(same.vertices, mesh.vertices, atol=1e-5)

    bent, _ = pose(read, read_weights, parents, read_joints, {"left_elbow": math.pi / 2})
    moved = (bent.vertices - mesh.vertices).norm(dim=1)
    arm = [JOINTS.index(name) for name in ("left_shoulder", "left_elbow", "left_wrist")]
    off_the_arm = figure.weights[:, arm].sum(1) == 0
    assert moved[off_the_arm].max() < 1e-6
    hand = figure.weights[:, JOINTS.index("left_wrist")] == 1
    reach = (mesh.vertices - joints[JOINTS.index("left_elbow")]).norm(dim=1)
    assert torch.allclose(moved[hand], reach[hand] * math.sqrt(2), rtol=0.02)


def test_a_body_on_the_ground_stands_over_the_origin(figure: Figure) -> None:
    shifted = figure.mesh.vertices + torch.tensor([0.4, -0.9, 2.0])
    standing = shifted + grounded(shifted)
    assert standing[:, 1].min().abs() < 1e-6
    assert (standing.amin(0) + standing.amax(0))[[0, 2]].abs().max() < 1e-6


def values(file: Path, attribute: str) -> np.ndarray:
    """An attribute's values, read without our code."""
    document = pygltflib.GLTF2().load(file)
    return accessor(document, getattr(document.meshes[0].primitives[0].attributes, attribute))


def accessor(document: Any, index: int) -> np.ndarray:
    found = document.accessors[index]
    start = document.bufferViews[found.bufferView].byteOffset
    dtype = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}[found.componentType]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}[found.type]
    flat = np.frombuffer(document.binary_blob(), dtype, found.count * width, start)
    return flat.reshape(found.count, width)


def read_skeleton(file: Path) -> tuple[Mesh, torch.Tensor, tuple[int, ...], torch.Tensor]:
    """Mesh, weights of all joints, parents and places, from the file alone."""
    document = pygltflib.GLTF2().load(file)
    skin = document.skins[0]
    parents = [-1] * len(skin.joints)
    for joint, node in enumerate(skin.joints):
        for child in document.nodes[node].children:
            parents[skin.joints.index(child)] = joint
    places = np.zeros((len(parents), 3), dtype=np.float32)
    for joint, node in enumerate(skin.joints):
        places[joint] = document.nodes[node].translation
        if parents[joint] >= 0:
            places[joint] += places[parents[joint]]
    inverse = accessor(document, skin.inverseBindMatrices).reshape(-1, 4, 4)
    assert document.nodes[skin.skeleton].name == "pelvis"
    assert np.allclose(inverse[:, 3, :3], -places, atol=1e-6)
    assert np.array_equal(inverse[:, :3, :3], np.broadcast_to(np.eye(3), (len(parents), 3, 3)))
    joints, strengths = values(file, "JOINTS_0").astype(np.int64), values(file, "WEIGHTS_0")
    weights = np.zeros((len(joints), len(parents)), dtype=np.float32)
    np.add.at(weights, (np.arange(len(joints))[:, None], joints), strengths)
    faces = accessor(document, document.meshes[0].primitives[0].indices).reshape(-1, 3).astype(np.int64)
    mesh = Mesh(torch.tensor(values(file, "POSITION")), torch.tensor(faces))
    return mesh, torch.tensor(weights), tuple(parents), torch.tensor(places)
