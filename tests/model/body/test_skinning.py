"""Skin weights carried from a body to a mesh around it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from model.body.joints import JOINTS, MIXAMO, VRM
from model.body.skinning import closest_weights, neighbour_average, strongest, transfer_skin
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.mesh.skeleton import Skin
from model.mesh.triangles import closest_in_triangles
from tests.model.body.figure import Figure, make_figure

ARM = [JOINTS.index(f"{side}_{name}") for side in ("left", "right") for name in ("shoulder", "elbow", "wrist")]


@pytest.fixture(scope="module")
def figure() -> Figure:
    return make_figure()


def dense(skin: Skin) -> Tensor:
    """Weights of all joints, (V, 55)."""
    return torch.zeros(len(skin.joints), len(JOINTS)).scatter_add_(1, skin.joints, skin.weights)


def clothes(mesh: Mesh, gap: float) -> Mesh:
    """A mesh `gap` metres outside of the mesh."""
    return Mesh(mesh.vertices + gap * vertex_normals(mesh.vertices, mesh.faces), mesh.faces)


def test_at_most_four_joints_move_a_vertex(figure: Figure) -> None:
    mesh, _ = figure.a_pose()
    skin = transfer_skin(clothes(mesh, 0.02), mesh, figure.weights)
    assert skin.joints.shape == skin.weights.shape == (len(mesh.vertices), 4)
    assert torch.allclose(skin.weights.sum(1), torch.ones(len(mesh.vertices)), atol=1e-6)
    assert (skin.weights >= 0).all()
    assert (skin.joints[skin.weights == 0] == 0).all()
    assert (skin.weights.diff(dim=1) <= 0).all()


def test_the_body_gets_its_own_weights_back_a_little_smoother(figure: Figure) -> None:
    mesh, _ = figure.a_pose()
    exact = torch.from_numpy(closest_weights(mesh, mesh, figure.weights.numpy()))
    assert (exact - figure.weights).abs().sum(1).quantile(0.99) < 1e-4
    smooth = dense(transfer_skin(mesh, mesh, figure.weights))
    assert (smooth - figure.weights).abs().sum(1).mean() < 0.15


def test_loose_clothes_follow_the_limb_they_lie_on(figure: Figure) -> None:
    # arms 18 degrees off the trunk, clothes of 3 cm: much of the flank is nearer to an arm than to the trunk's surface
    steep = math.radians(72)
    mesh, _ = figure.posed({"left_shoulder": -steep, "right_shoulder": steep})
    worn = clothes(mesh, 0.03)
    of_arm = dense(transfer_skin(worn, mesh, figure.weights))[:, ARM].sum(1)
    true_arm = figure.weights[:, ARM].sum(1)
    assert (of_arm[true_arm == 0] > 0.5).float().mean() < 0.005
    assert (of_arm[true_arm == 1] < 0.5).float().mean() < 0.005


def test_neighbours_do_not_follow_different_limbs(figure: Figure) -> None:
    mesh, _ = figure.a_pose()
    worn = clothes(mesh, 0.03)
    weights = dense(transfer_skin(worn, mesh, figure.weights))
    a, b = weights[worn.faces[:, :2]].unbind(1)
    assert ((a - b).abs().sum(1) / 2).max() < 0.25
    torn = torch.from_numpy(closest_weights(worn, mesh, figure.weights.numpy()))
    a, b = torn[worn.faces[:, :2]].unbind(1)
    assert ((a - b).abs().sum(1) / 2).max() > 0.5  # so there was something to grow together


def test_few_candidates_find_what_all_triangles_find() -> None:
    figure = make_figure(around=6, along=6)
    mesh, _ = figure.a_pose()
    worn = clothes(mesh, 0.015)
    few = closest_weights(worn, mesh, figure.weights.numpy())
    every = closest_weights(worn, mesh, figure.weights.numpy(), candidates=len(mesh.faces))
    assert (np.abs(few - every).sum(1) > 0.05).mean() < 0.02


def test_closest_points_of_triangles_beat_a_fine_grid_of_points() -> None:
    random = np.random.default_rng(0)
    corners = random.normal(size=(200, 3, 3))
    corners[::10, 2] = corners[::10, 0] * 0.3 + corners[::10, 1] * 0.7  # without area
    corners[5::10, 1:] = corners[5::10, :1]  # a point
    points = random.normal(size=(200, 3)) * 1.5
    barycentric, squared = closest_in_triangles(points, corners)
    assert np.allclose(barycentric.sum(-1), 1)
    assert barycentric.min() >= 0
    reached = np.einsum("nc,ncx->nx", barycentric, corners)
    assert np.allclose(((reached - points) ** 2).sum(-1), squared)
    steps = np.linspace(0, 1, 60)
    grid = np.array([(1 - u - v, u, v) for u in steps for v in steps if u + v <= 1])
    sampled = (((grid @ corners) - points[:, None]) ** 2).sum(-1).min(1)
    assert (squared <= sampled + 1e-12).all()
    assert (sampled - squared).max() < 0.02


def test_neighbours_average_counts_each_once_and_keeps_the_lonely() -> None:
    square = Mesh(torch.zeros(5, 3), torch.tensor([[0, 1, 2], [0, 2, 3]]))
    average = neighbour_average(square) @ np.array([[1.0], [2.0], [4.0], [8.0], [16.0]])
    assert average.ravel().tolist() == pytest.approx([14 / 3, 2.5, 11 / 3, 2.5, 16])


def test_the_strongest_are_kept_in_proportion() -> None:
    skin = strongest(torch.tensor([[0.1, 0.2, 0.3, 0.0, 0.05, 0.35]]))
    assert skin.joints.tolist() == [[5, 2, 1, 0]]
    assert skin.weights[0].tolist() == pytest.approx([0.35 / 0.95, 0.3 / 0.95, 0.2 / 0.95, 0.1 / 0.95])
    few = strongest(torch.tensor([[0.25, 0.75]]))
    assert (few.joints.tolist(), few.weights.tolist()) == ([[1, 0, 0, 0]], [[0.75, 0.25, 0, 0]])


def test_seams_share_their_vertex_s_weights() -> None:
    skin = strongest(torch.eye(5)[:3])
    doubled = skin.at(torch.tensor([2, 0, 2]))
    assert doubled.joints[:, 0].tolist() == [2, 0, 2]


def test_joints_are_those_of_the_body_and_bones_are_named_once() -> None:
    assert len(set(JOINTS)) == 55
    assert (JOINTS[15], JOINTS[16], JOINTS[21], JOINTS[22], JOINTS[25], JOINTS[54]) == (
        "head", "left_shoulder", "right_wrist", "jaw", "left_index1", "right_thumb3",
    )  # fmt: skip
    assert set(VRM) == set(JOINTS)
    assert set(MIXAMO) < set(JOINTS)
    for bones in (VRM, MIXAMO):
        assert len(set(bones.values())) == len(bones)
