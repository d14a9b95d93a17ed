"""The mesh optimiser, against the published one's run and on its own."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from model.mesh.mesh import Mesh
from model.mesh.optimiser import MeshOptimiser
from tests.model.mesh.meshes import golden, is_closed, sphere

AXES = torch.tensor([0.5, 1.0, 0.35])


def to_ellipsoid(vertices: Tensor, faces: Tensor) -> Tensor:
    loss: Tensor = ((vertices / AXES).norm(dim=1) - 1).square().sum()
    return loss


def run(steps: int, seed: int) -> Mesh:
    optimiser = MeshOptimiser(sphere(3), (0.03, 0.12), Generator().manual_seed(seed))
    for _ in range(steps):
        optimiser.step(to_ellipsoid)
    return optimiser.mesh


def test_all_iterations_equal_the_published_ones() -> None:
    tensors, parameters = golden("mesh_optimizer")
    generator = Generator().manual_seed(parameters["seed"])
    lengths = (parameters["edge_len_lims"][0], parameters["edge_len_lims"][1])
    optimiser = MeshOptimiser(Mesh(tensors["v0"], tensors["f0"]), lengths, generator, reference=True)
    for i, expected in enumerate(parameters["trace"]):
        loss = optimiser.step(to_ellipsoid)
        mesh = optimiser.mesh
        assert (len(mesh.vertices), len(mesh.faces)) == (expected["V"], expected["F"])
        assert mesh.faces.sum().item() == expected["sum_f"]
        torch.testing.assert_close(loss.item(), expected["loss"], rtol=1e-6, atol=1e-4)
        torch.testing.assert_close(mesh.vertices.double().abs().sum().item(), expected["abs_v"], rtol=1e-7, atol=1e-4)
        if f"v_{i}" in tensors:
            torch.testing.assert_close(mesh.vertices, tensors[f"v_{i}"], rtol=0, atol=1e-4)
        if f"f_{i}" in tensors:
            assert mesh.faces.equal(tensors[f"f_{i}"].long())


def test_a_sphere_becomes_the_ellipsoid_its_loss_asks_for() -> None:
    mesh = run(80, seed=0)
    assert ((mesh.vertices / AXES).norm(dim=1) - 1).abs().mean() < 0.02
    assert is_closed(mesh.faces)


def test_the_same_seed_gives_the_same_mesh_and_leaves_other_generators_alone() -> None:
    state = torch.get_rng_state()
    first, again, other = run(25, seed=3), run(25, seed=3), run(25, seed=4)
    assert first.faces.equal(again.faces)
    assert first.vertices.equal(again.vertices)
    assert other.vertices.shape != first.vertices.shape or not other.vertices.equal(first.vertices)
    assert torch.get_rng_state().equal(state)
