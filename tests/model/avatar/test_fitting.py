"""The loss over pixels that show something, against the plain one over all pixels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.avatar.fitting import SparseLoss
from model.avatar.reconstruction import RADIUS, render_normals
from model.avatar.targets import Targets
from model.mesh.cameras import AZIMUTHS, orthographic_cameras
from model.mesh.rasterise_torch import Torch
from tests.model.mesh.shapes import sphere

SIZE = 48
CAMERAS = orthographic_cameras(AZIMUTHS, RADIUS)


def plain(vertices: Tensor, faces: Tensor, targets: Targets) -> Tensor:
    normals, alpha = render_normals(Torch(), vertices, faces, CAMERAS, SIZE)
    return (normals - targets.normals).abs().mean() + (alpha - targets.masks).abs().mean()


def with_gradient(loss: Tensor, vertices: Tensor) -> tuple[float, Tensor]:
    [gradient] = torch.autograd.grad(loss, vertices)
    return loss.item(), gradient


@pytest.mark.parametrize("subdivisions", [2, 4], ids=["large_triangles", "triangles_below_a_pixel"])
@pytest.mark.parametrize("filled", [0.0, 0.4, 1.0], ids=["empty", "half", "everywhere"])
def test_loss_and_gradient_are_those_over_all_pixels(subdivisions: int, filled: float) -> None:
    generator = torch.Generator().manual_seed(0)
    masks = (torch.rand(6, SIZE, SIZE, 1, generator=generator) < filled).float()
    targets = Targets(torch.rand(6, SIZE, SIZE, 3, generator=generator) * masks, masks)
    vertices, faces = sphere(subdivisions, radius=1.1)
    folded = vertices * torch.where(vertices[:, :1].abs() < 0.2, 0.6, 1.0)  # hides parts of itself
    moved = folded.requires_grad_()
    expected, slopes = with_gradient(plain(moved, faces, targets), moved)
    found, gradient = with_gradient(SparseLoss(targets, CAMERAS)(Torch(), moved, faces), moved)
    assert found == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(gradient, slopes, rtol=1e-4, atol=1e-7)
    assert slopes.abs().max() > 1e-5


def test_a_mesh_beyond_the_pictures_costs_what_the_targets_show() -> None:
    masks = torch.ones(6, SIZE, SIZE, 1)
    targets = Targets(torch.full((6, SIZE, SIZE, 3), 0.5), masks)
    vertices, faces = sphere(1)
    loss = SparseLoss(targets, CAMERAS)(Torch(), vertices + 100, faces)
    assert loss.item() == pytest.approx(1.5, rel=1e-5)
