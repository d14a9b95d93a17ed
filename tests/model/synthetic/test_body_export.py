"""The free body: what the export makes of people, and the file that is committed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from model.body.a_pose import pose_a
from model.body.joints import JOINTS, PARENTS
from model.body.smplx import BodyModel, read_body
from model.engines.up2you.files import BODY
from model.synthetic.making.anny_body import Bodies
from model.synthetic.making.body_export import export_body, main, principal_shapes, write_arrays
from model.synthetic.making.t_pose import to_t_pose
from model.weights.pack import DEMO

NUMBER = {name: i for i, name in enumerate(JOINTS)}
STANDING = {"left_shoulder": (0, 0, -0.8), "right_shoulder": (0, 0, 0.8), "left_elbow": (0, -0.5, 0)}


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return read_body(DEMO / BODY)


def standing(body: BodyModel, betas: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and joints, arms down and an elbow bent."""
    turns = torch.zeros(len(JOINTS), 3)
    for joint, vector in STANDING.items():
        turns[NUMBER[joint]] = torch.tensor(vector)
    posed = body.posed(betas, turns)
    return posed.vertices.double().numpy(), posed.joints.double().numpy()


def test_unposing_undoes_skinning(body: BodyModel) -> None:
    betas = torch.tensor([0.5, -1, 1, 0, 0, 0.5, 0, 0, 0, -0.5])
    rest = body.shaped(betas).double().numpy()
    vertices, joints = standing(body, betas)
    found, placed = to_t_pose(vertices, joints, body.weights.double().numpy())
    pelvis = (body.joint_regressor @ body.shaped(betas))[0].double().numpy()
    assert np.abs(placed[NUMBER["left_wrist"]] - placed[NUMBER["left_shoulder"]])[1:].max() < 1e-9
    assert np.linalg.norm(found + pelvis - rest, axis=1).max() < 0.004
    assert np.linalg.norm(vertices - rest, axis=1).max() > 0.3


def test_exported_shapes_and_joints_are_those_of_the_people(body: BodyModel) -> None:
    crowd = torch.randn(14, 10, generator=torch.Generator().manual_seed(0))
    people = [standing(body, betas) for betas in crowd]
    vertices, joints = (np.stack(part) for part in zip(*people, strict=True))
    weights = body.weights.double().numpy()
    file = export_body(Bodies(vertices, joints, body.faces.numpy(), weights))
    assert {name: array.shape for name, array in file.items() if name != "licence"} == {
        "v_template": (len(weights), 3),
        "f": tuple(body.faces.shape),
        "shapedirs": (len(weights), 3, 10),
        "posedirs": (len(weights), 3, 0),
        "J_regressor": (55, len(weights)),
        "weights": (len(weights), 55),
        "kintree_table": (2, 55),
    }
    rest, placed = to_t_pose(vertices[3], joints[3], weights)
    regressed = file["J_regressor"].astype(np.float64) @ rest
    assert np.linalg.norm(regressed - placed, axis=1).max() < 0.002
    assert (np.count_nonzero(file["J_regressor"], axis=1) <= 400).all()


def test_principal_shapes_have_unit_coefficients_and_grow_upwards() -> None:
    rng = np.random.default_rng(0)
    people = rng.normal(size=(50, 1, 1)) * np.array([[0.0, 1, 0], [0, 0, 0], [0, -1, 0]]) + [
        [0.0, 1, 0],
        [1, 0, 0],
        [0, -1, 0],
    ]
    mean, shapes, betas = principal_shapes(people, 1)
    assert np.allclose(mean + np.einsum("vak,nk->nva", shapes, betas), people)
    assert betas[:, 0].std(ddof=1) == pytest.approx(1)
    assert shapes[0, 1, 0] > 0 > shapes[2, 1, 0]


def test_files_are_equal_for_equal_arrays_and_hold_no_pickles(tmp_path: Path) -> None:
    arrays = {"a": np.arange(3, dtype=np.float16), "licence": np.array("free")}
    for name in ("one.npz", "other.npz"):
        write_arrays(tmp_path / name, arrays)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as found:
        assert found["a"].tolist() == [0, 1, 2]
        assert str(found["licence"]) == "free"


@pytest.mark.skipif(find_spec("anny") is not None, reason="Anny is installed")
def test_without_anny_the_export_says_what_to_install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "body.npz")]) == 1
    assert "pip install 'atelier[synthetic]'" in capsys.readouterr().err


# -- the committed file --------------------------------------------------------------------------------------------


def test_the_committed_body_is_closed_free_and_small(body: BodyModel) -> None:
    edges = np.sort(body.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).numpy(), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    with np.load(DEMO / BODY, allow_pickle=False) as arrays:
        assert "CC0" in str(arrays["licence"])
    assert (DEMO / BODY).stat().st_size < 2e6


def test_the_committed_body_stands_as_smplx_does(body: BodyModel) -> None:
    assert body.parents.tolist() == list(PARENTS)
    joints = body.joint_regressor @ body.template
    assert joints[NUMBER["pelvis"]].norm() < 1e-3
    for name, i in NUMBER.items():
        if name.startswith("left_"):
            mirrored = joints[NUMBER[name.replace("left", "right")]] * torch.tensor([-1.0, 1, 1])
            assert (joints[i] - mirrored).norm() < 0.002, name
    shoulder, wrist, knuckle = (joints[NUMBER[f"left_{name}"]] for name in ("shoulder", "wrist", "middle1"))
    assert wrist[0] > shoulder[0] > 0.1
    assert (wrist - shoulder)[1:].abs().max() < 1e-3
    assert knuckle[0] > wrist[0]
    assert joints[NUMBER["left_index1"], 2] > joints[NUMBER["left_pinky1"], 2]  # palms down
    assert joints[NUMBER["left_foot"], 2] > joints[NUMBER["left_ankle"], 2] + 0.08  # toes in front
    assert joints[NUMBER["left_eye_smplhf"], 2] > joints[NUMBER["head"], 2]
    assert body.template[:, 1].aminmax().max < 0.85


@pytest.mark.parametrize("seed", range(3))
def test_random_betas_are_people(body: BodyModel, seed: int) -> None:
    betas = torch.randn(10, generator=torch.Generator().manual_seed(seed))
    posed = pose_a(body, betas)
    height = float(posed.vertices[:, 1].max() - posed.vertices[:, 1].min())
    joints = posed.joints
    assert 1.4 < height < 2.1
    thigh, shin = (
        float((joints[NUMBER[start]] - joints[NUMBER[end]]).norm())
        for start, end in (("left_hip", "left_knee"), ("left_knee", "left_ankle"))
    )
    assert 0.2 < thigh / height < 0.28
    assert 0.2 < shin / height < 0.28
    drop = joints[NUMBER["left_shoulder"]] - joints[NUMBER["left_wrist"]]
    assert float(drop[1] / -drop[0]) == pytest.approx(1, abs=0.02)  # 45 degrees down
