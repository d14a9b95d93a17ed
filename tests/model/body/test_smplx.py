"""Reading a body and putting it in a pose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from model.body.a_pose import a_pose, pose_a
from model.body.smplx import BodyModel, read_body
from model.errors import WeightsError
from model.mesh.normals import vertex_normals
from model.mesh.placement import normalised
from tests.model.body.small import JOINTS, VERTICES, arrays, write

TOLERANCE = 1e-5


def close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE)


def test_a_pose_equals_the_reference(body: BodyModel, apose: dict[str, Tensor]) -> None:
    mesh = a_pose(body, apose["betas"][0])
    close(mesh.vertices, apose["vertices"])
    close(pose_a(body, apose["betas"][0]).joints, apose["J_transformed55"])
    assert torch.equal(mesh.faces, apose["faces"].long())
    vertices, _, _ = normalised(mesh.vertices, 0.9)
    close(vertices, apose["vertices_normalized"])
    close(vertex_normals(vertices, mesh.faces), apose["vertex_normals"])


def test_body_without_a_pose_equals_the_reference(body: BodyModel, apose: dict[str, Tensor]) -> None:
    close(body.posed(apose["betas"][0], torch.zeros(55, 3)).vertices, apose["vertices_zero_pose"])
    close(body.shaped(apose["betas"][0]), apose["vertices_zero_pose"])


def test_free_pose_equals_the_reference(body: BodyModel, apose: dict[str, Tensor]) -> None:
    posed = body.posed(apose["betas"][0], apose["lbs_pose"].view(55, 3), expression=torch.zeros(10))
    close(posed.vertices, apose["lbs_vertices"])
    close(posed.joints, apose["lbs_joints"])


def test_transforms_take_the_body_at_rest_to_its_pose(tmp_path: Path) -> None:
    body = read_body(write(tmp_path / "body.npz"))
    angles = torch.tensor([[0.0, 0.0, 0.1], [0.2, 0.0, 0.0], [0.0, -0.3, 0.4]])
    posed = body.posed(torch.zeros(10), angles, torch.tensor([1.0, 2.0, 3.0]))
    rest = body.shaped(torch.zeros(10))
    for joint in range(JOINTS):
        own = slice(2 * joint, 2 * joint + 2)
        moved = rest[own] @ posed.transforms[joint, :3, :3].T + posed.transforms[joint, :3, 3]
        close(posed.vertices[own], moved)
        close(posed.vertices[own].mean(0), posed.joints[joint])  # where this body's joints are, in any pose


def test_a_bent_joint_carries_what_hangs_on_it(tmp_path: Path) -> None:
    body = read_body(write(tmp_path / "body.npz"))
    angles = torch.zeros(JOINTS, 3)
    angles[1, 2] = torch.pi / 2  # to the person's right
    posed = body.posed(torch.zeros(10), angles)
    close(posed.joints, torch.tensor([[0.0, 0.05, 0.0], [0.0, 1.05, 0.0], [-1.0, 1.05, 0.0]]))


def test_translation_moves_everything(tmp_path: Path) -> None:
    body = read_body(write(tmp_path / "body.npz"))
    shift = torch.tensor([1.0, -2.0, 3.0])
    here, there = (body.posed(torch.zeros(10), torch.full((JOINTS, 3), 0.2), t) for t in (None, shift))
    close(there.vertices, here.vertices + shift)
    close(there.joints, here.joints + shift)


def test_shape_grows_vertices_and_joints(tmp_path: Path) -> None:
    body = read_body(write(tmp_path / "body.npz"))
    betas = torch.zeros(10)
    betas[0] = 0.5
    close(body.shaped(betas), body.template * 1.5)
    close(body.posed(betas, torch.zeros(JOINTS, 3)).joints[2], torch.tensor([0.0, 2.05 * 1.5, 0.0]))


def test_components_beyond_the_shape_are_unused(tmp_path: Path) -> None:
    wide = np.concatenate([arrays()["shapedirs"], np.full((VERTICES, 3, 390), 5.0, np.float32)], axis=2)
    body = read_body(write(tmp_path / "body.npz", shapedirs=wide))
    assert body.shape_directions.shape == (VERTICES, 3, 10)
    assert body.expression_directions.shape == (VERTICES, 3, 10)
    smile = torch.zeros(10)
    smile[0] = 0.1
    close(body.shaped(torch.zeros(10), smile), body.template + 0.5)


@pytest.mark.parametrize("bends", [None, np.zeros((VERTICES, 3, 0), np.float32)], ids=["absent", "empty"])
def test_pose_correction_may_be_missing(tmp_path: Path, bends: Any) -> None:
    body = read_body(write(tmp_path / "body.npz", posedirs=bends))
    assert body.expression_directions.shape[2] == 0
    assert len(body.pose_directions) == 0


def test_pose_correction_is_the_turns_less_none(tmp_path: Path) -> None:
    bends = np.zeros((VERTICES, 3, 18), np.float32)
    bends[5, 2, 9 + 1] = 2.0  # moves vertex 5 along z by the first row's second entry of joint 2's turn
    body = read_body(write(tmp_path / "body.npz", posedirs=bends))
    plain = read_body(write(tmp_path / "plain.npz"))
    angles = torch.zeros(JOINTS, 3)
    angles[2, 2] = 0.3
    change = body.posed(torch.zeros(10), angles).vertices - plain.posed(torch.zeros(10), angles).vertices
    expected = torch.zeros(VERTICES, 3)
    expected[5, 2] = -2 * torch.tensor(0.3).sin()
    close(change, expected)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weights", None, "no array weights"),
        ("v_template", np.zeros((VERTICES, 2), np.float32), r"v_template has shape \(6, 2\)"),
        ("shapedirs", np.zeros((VERTICES, 3, 9), np.float32), "shapedirs has 9 components"),
        ("shapedirs", np.zeros((5, 3, 10), np.float32), r"shapedirs has shape \(5, 3, 10\)"),
        ("posedirs", np.zeros((VERTICES, 3, 17), np.float32), "posedirs has 17 components, expected 18"),
        ("J_regressor", np.zeros((4, VERTICES), np.float32), r"J_regressor has shape \(4, 6\), expected \(3, 6\)"),
        ("weights", np.full((VERTICES, JOINTS), np.nan, np.float32), "weights has values that are not finite"),
        ("weights", np.zeros((VERTICES, JOINTS), np.int64), "weights has type int64"),
        ("f", np.array([[0, 1, 6]]), "f names vertex 6, there are 6"),
        ("kintree_table", np.array([[-1, 2, 0], [0, 1, 2]]), "kintree_table has a joint before its parent"),
        ("kintree_table", np.array([[-1, 0], [0, 1]]), r"kintree_table has shape \(2, 2\)"),
        ("v_template", np.array([{}]), "not an archive"),  # a pickle, never opened
    ],
)
def test_a_body_that_does_not_fit_is_refused(tmp_path: Path, name: str, value: Any, message: str) -> None:
    file = write(tmp_path / "body.npz", **{name: value})
    with pytest.raises(WeightsError, match=message) as error:
        read_body(file)
    assert str(file) in str(error.value)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "body.npz").write_bytes(b"not a zip")
    for name in ("body.npz", "absent.npz"):
        with pytest.raises(WeightsError, match=name):
            read_body(tmp_path / name)


def test_rounded_vertices_have_four_decimals(body: BodyModel) -> None:
    exact, rounded = (a_pose(body, torch.zeros(10), rounded=r).vertices for r in (False, True))
    assert not torch.equal(exact, rounded)
    torch.testing.assert_close(rounded, exact, rtol=0, atol=5.1e-5)
    assert [f"{x:.6f}"[-2:] for x in rounded.flatten().tolist()] == ["00"] * rounded.numel()


def test_normalised_can_be_undone() -> None:
    vertices = torch.tensor([[1.0, 2.0, 3.0], [2.0, 6.0, 4.0]])
    moved, centre, scale = normalised(vertices, 0.9)
    assert moved[:, 1].tolist() == pytest.approx([-0.9, 0.9])
    close(moved / scale + centre, vertices)
