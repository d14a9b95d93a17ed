"""Forms that an avatar is written in beside the plain GLB: as validators and real importers see them."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pygltflib
import pytest
import torch
import trimesh
from PIL import Image
from pxr import Usd, UsdGeom, UsdSkel, UsdValidation

from model.avatar.export import Form, export_avatar
from model.avatar.request import AvatarFormat
from model.avatar.vrm import VrmMeta
from model.body.joints import JOINTS, VRM
from model.body.smplx import BodyModel, Posed
from model.mesh.atlas import Atlas, sample_texture
from model.mesh.levels import DetailLevel, coarser
from model.mesh.mesh import Mesh
from tests.gltf import HERE, complaints
from tests.gltf.three import described
from tests.model.avatar.test_export import BETAS, body, mesh, painting, posed

__all__ = ["body", "mesh", "posed"]

SERIOUS = 1  # errors and warnings; what the validator does not know is a hint
EVERYTHING = Form(texture="webp", clips=("idle", "walk"), vrm=VrmMeta(authors=["Ada"]).described("A licence."))


@pytest.fixture(scope="module")
def made(mesh: Mesh, body: BodyModel, posed: Posed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`plain`, `packed` and `standing` in a folder each."""
    out = tmp_path_factory.mktemp("forms")
    atlas, picture = painting(mesh)
    level = coarser(DetailLevel(mesh, atlas, None), len(mesh.faces) // 3)
    forms = {"plain": EVERYTHING, "packed": replace(EVERYTHING, draco=True), "standing": Form(pose="t")}
    for name, form in forms.items():
        (out / name).mkdir()
        formats: list[AvatarFormat] = ["glb", "vrm", "usdz"] if name == "plain" else ["glb"]
        export_avatar(
            out / name, mesh, body, BETAS, posed, (atlas, picture), formats=formats, form=form, coarser=[level]
        )
    return out


def test_the_validator_finds_no_fault_in_any_form(made: Path) -> None:
    files = [*made.glob("*/*.glb"), *made.glob("*/*.vrm")]
    assert len(files) == 7
    for file in files:
        found = complaints(file)
        assert [message for message in found if message["severity"] <= SERIOUS] == []
        unknown = {"KHR_draco_mesh_compression", "VRMC_vrm"}
        hints = {message["message"].partition("'")[2].rstrip("'.") for message in found} - {""}
        assert hints <= unknown


def test_three_js_sees_the_same_person_in_all_of_them(made: Path, mesh: Mesh) -> None:
    names = "plain/avatar.glb", "packed/avatar.glb", "standing/avatar.glb", "plain/avatar.vrm"
    seen = described(made / name for name in names)
    extent = (mesh.vertices.amax(0) - mesh.vertices.amin(0)).numpy()
    for found in seen[:2]:
        assert np.allclose(np.subtract(found["high"], found["low"]), extent, atol=1e-3)
        assert abs(found["low"][1]) < 1e-3
        assert found["triangles"] == len(mesh.faces)
        assert [name for name, _ in found["clips"]] == ["idle", "walk"]
    assert seen[1]["bones"] == seen[0]["bones"]
    assert [set(found["bones"]) for found in seen] == [set(JOINTS)] * 4
    assert all(np.allclose(found["texture"], seen[2]["texture"], atol=4) for found in seen)
    for found in seen[2:]:  # arms that point sideways are as high as their shoulders
        shoulder, wrist = found["bones"]["left_shoulder"], found["bones"]["left_wrist"]
        assert wrist[1] == pytest.approx(shoulder[1], abs=0.02)
        assert wrist[0] > shoulder[0] + 0.3
    said = seen[3]["vrm"]
    assert set(said["bones"]) == set(VRM.values())
    meta = said["meta"]
    assert (meta["authors"], meta["commercialUsage"], meta["thirdPartyLicenses"]) == (
        ["Ada"],
        "personalNonProfit",
        "A licence.",
    )


def test_draco_is_smaller_and_webp_has_something_to_fall_back_on(made: Path) -> None:
    plain, packed = (pygltflib.GLTF2().load(str(made / name / "avatar.glb")) for name in ("plain", "packed"))
    assert packed.extensionsRequired == ["KHR_draco_mesh_compression"]
    sizes = [sum(view.byteLength for view in document.bufferViews) for document in (plain, packed)]
    assert sizes[1] < sizes[0] / 2
    assert plain.extensionsRequired == []
    [texture] = plain.textures
    mimes = [picture.mimeType for picture in plain.images]
    assert (mimes[texture.source], mimes[texture.extensions["EXT_texture_webp"]["source"]]) == (
        "image/jpeg",
        "image/webp",
    )


def test_usdz_opens_as_a_skinned_person_that_its_validators_take(made: Path, mesh: Mesh) -> None:
    stage = Usd.Stage.Open(str(made / "plain/avatar.usdz"))
    known = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert [error.GetMessage() for error in UsdValidation.ValidationContext(known).Validate(stage)] == []
    assert (UsdGeom.GetStageUpAxis(stage), UsdGeom.GetStageMetersPerUnit(stage)) == ("Y", 1)
    [shape] = [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    points = np.asarray(shape.GetPointsAttr().Get())
    assert points[:, 1].min() == pytest.approx(0, abs=1e-5)
    extent = (mesh.vertices.amax(0) - mesh.vertices.amin(0)).numpy()
    assert np.allclose(points.max(0) - points.min(0), extent, atol=1e-5)
    skeleton = UsdSkel.Skeleton(stage.GetPrimAtPath("/avatar/skeleton"))
    assert list(skeleton.GetJointNamesAttr().Get()) == list(JOINTS)


@pytest.mark.parametrize("name", ["idle", "walk"])
def test_a_clip_ends_as_it_begins_and_keeps_its_feet_on_the_ground(made: Path, name: str) -> None:
    document = pygltflib.GLTF2().load(str(made / "plain/avatar.glb"))
    clip = next(animation for animation in document.animations if animation.name == name)
    moved = {
        (document.nodes[channel.target.node].name, channel.target.path): values(
            document, clip.samplers[channel.sampler].output
        )
        for channel in clip.channels
    }
    assert all(np.allclose(keys[0], keys[-1], atol=1e-4) for keys in moved.values())
    assert any(np.ptp(keys, 0).max() > 0.01 for keys in moved.values())
    soles = np.stack([heights_of_soles(document, moved, side) for side in ("left", "right")])
    assert np.abs(soles.min(0)).max() < 0.01
    if name == "walk":
        assert soles.max() > 0.05


def heights_of_soles(document: pygltflib.GLTF2, moved: dict[tuple[str, str], np.ndarray], side: str) -> np.ndarray:
    """(T,): how high above the ground the lower of a foot's heel and toes is."""
    nodes = {node.name: i for i, node in enumerate(document.nodes)}
    above = {child: parent for parent, node in enumerate(document.nodes) for child in node.children}
    keys = len(moved["pelvis", "translation"])
    bound: np.ndarray = np.zeros(3)
    chain = [nodes[f"{side}_ankle"]]
    while chain[0] in above:
        chain.insert(0, above[chain[0]])
    frame, place = np.tile(np.eye(3), (keys, 1, 1)), np.zeros((keys, 3))
    for index in chain:
        node = document.nodes[index]
        step = moved.get((node.name, "translation"), np.asarray(node.translation))
        place = place + np.einsum("tij,tj->ti", frame, np.broadcast_to(step, (keys, 3)))
        bound = bound + node.translation
        if (node.name, "rotation") in moved:
            frame = frame @ rotations(moved[node.name, "rotation"])
    toes = bound + document.nodes[nodes[f"{side}_foot"]].translation
    points = [point * [1, 0, 1] - bound for point in (bound, toes)]
    heights: np.ndarray = np.min([(place + frame @ point)[:, 1] for point in points], 0)
    return heights


def rotations(quaternions: np.ndarray) -> np.ndarray:
    x, y, z, w = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def values(document: pygltflib.GLTF2, index: int) -> np.ndarray:
    accessor = document.accessors[index]
    start, width = document.bufferViews[accessor.bufferView].byteOffset, {"VEC3": 3, "VEC4": 4}[accessor.type]
    return np.frombuffer(document.binary_blob(), np.float32, accessor.count * width, start).reshape(-1, width)


def test_a_coarser_level_is_closed_and_painted_by_the_same_picture() -> None:
    sphere = trimesh.creation.icosphere(4)
    mesh = Mesh(torch.tensor(sphere.vertices, dtype=torch.float32), torch.tensor(sphere.faces))
    uv, source, faces = two_charts(mesh)
    picture = Image.fromarray((np.mgrid[:64, :64].transpose(1, 2, 0) * 4)[..., [0, 1, 0]].astype(np.uint8))
    texture = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255)
    finest = DetailLevel(mesh, Atlas(source, faces, uv, 64), (mesh.vertices[mesh.faces].mean(1)[:, 1] > 0).long())
    level = coarser(finest, 800)
    assert level.atlas is not None
    assert level.parts is not None
    assert len(level.mesh.faces) <= 800
    assert trimesh.Trimesh(level.mesh.vertices, level.mesh.faces, process=False).is_watertight
    assert torch.equal(level.atlas.source[level.atlas.faces], level.mesh.faces)
    middles = level.mesh.vertices[level.mesh.faces].mean(1)
    seen = sample_texture(texture, level.atlas.uv[level.atlas.faces].mean(1))
    assert (seen - sample_texture(texture, flat(middles))).abs().mean() < 0.02
    assert torch.equal(level.parts[middles[:, 1].abs() > 0.1], (middles[:, 1] > 0).long()[middles[:, 1].abs() > 0.1])


def test_a_level_that_is_no_coarser_is_the_same(mesh: Mesh) -> None:
    finest = DetailLevel(mesh, None, None)
    assert coarser(finest, len(mesh.faces)) is finest


def flat(points: torch.Tensor) -> torch.Tensor:
    """Where points of the sphere lie in the picture: its front in the left half, its back in the right one."""
    return torch.stack([points[:, 0] * 0.2 + torch.where(points[:, 2] > 0, 0.25, 0.75), 0.5 - points[:, 1] * 0.4], 1)


def two_charts(mesh: Mesh) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """uv, source and faces of an atlas with the sphere's front and back."""
    count, front = len(mesh.vertices), mesh.vertices[mesh.faces].mean(1)[:, 2] > 0
    side = mesh.vertices * torch.tensor([1.0, 1.0, 0.0])
    uv = torch.cat([flat(side + torch.tensor([0, 0, 1.0])), flat(side - torch.tensor([0, 0, 1.0]))])
    return uv, torch.arange(count).repeat(2), torch.where(front[:, None], mesh.faces, mesh.faces + count)


def test_blender_sees_what_three_js_sees(made: Path) -> None:
    python = os.environ.get("BPY_PYTHON")
    if python is None:
        pytest.skip("BPY_PYTHON is no Python with bpy")
    names = "plain/avatar.glb", "packed/avatar.glb", "plain/avatar.vrm", "plain/avatar.usdz"
    command = [python, str(HERE / "blender_reads.py"), *(str(made / name) for name in names)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout
    read = json.loads(next(line for line in said.splitlines() if line.startswith("READ ")).removeprefix("READ "))
    plain, packed, vrm, usdz = (read[str(made / name)] for name in names)
    seen, standing = described(made / name for name in ("plain/avatar.glb", "plain/avatar.vrm"))
    for found, expected in ((plain, seen), (packed, seen), (usdz, seen), (vrm, standing)):
        for bound, other in (("low", "high"), ("high", "low")):
            x, y, _ = expected[bound]
            back = -expected[other][2]  # what faces +Z in three.js faces -Y in Blender
            assert found[bound] == pytest.approx([x, back, y], abs=2e-3)
        assert set(found["bones"]) == set(JOINTS)
        x, y, z = expected["bones"]["left_wrist"]
        assert found["bones"]["left_wrist"] == pytest.approx([x, -z, y], abs=1e-3)
        assert found["triangles"] == expected["triangles"]
        assert [64, 64] in found["pictures"]
    assert (plain["clips"], packed["clips"]) == (["idle", "walk"], ["idle", "walk"])
