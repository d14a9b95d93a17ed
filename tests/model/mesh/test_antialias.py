"""Silhouettes: blended by coverage, and their gradient against finite differences of the same picture."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import trimesh
from torch import Tensor

from model.mesh.rasterise_torch import Torch
from tests.model.mesh.shapes import alpha_of, clip_of, sphere, square

Move = Callable[[Tensor, Tensor], Tensor]

SIZE = 64
SHAPES = {
    "square": square(turn_degrees=3.0),
    "square_on_its_corner": square(turn_degrees=45.0),
    "sphere": sphere(3),
    "sphere_of_triangles_below_a_pixel": sphere(5),
}


def right_half(vertices: Tensor, amount: Tensor) -> Tensor:
    """What lies right of the middle moves right, so that the covered area grows."""
    return torch.where(vertices[:, :1] > 0, vertices + amount * torch.tensor([1.0, 0.0, 0.0]), vertices)


def corner(vertices: Tensor, amount: Tensor) -> Tensor:
    """The rightmost vertex alone moves right."""
    rightmost = torch.arange(len(vertices)) == vertices[:, 0].argmax()
    return vertices + amount * rightmost[:, None] * torch.tensor([1.0, 0.0, 0.0])


MOVES: dict[str, Move] = {"scale": lambda vertices, amount: vertices * (1 + amount), "right_half": right_half}


def mask(clip: Tensor, faces: Tensor, size: int = SIZE) -> Tensor:
    return alpha_of(Torch(), clip, faces, size, size)[0]


def slopes(vertices: Tensor, faces: Tensor, move: Move, step: float) -> tuple[float, float]:
    """How the mean of the mask grows with the movement: by autograd at 0, by central differences around it."""
    amount = torch.zeros((), requires_grad=True)
    (gradient,) = torch.autograd.grad(mask(clip_of(move(vertices, amount)), faces).mean(), amount)
    with torch.no_grad():
        ahead, back = (mask(clip_of(move(vertices, torch.tensor(s))), faces).double().mean() for s in (step, -step))
    return gradient.item(), (ahead - back).item() / (2 * step)


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_the_slope_of_the_mask(shape: str, move: str) -> None:
    vertices, faces = SHAPES[shape]
    gradient, slope = slopes(vertices, faces, MOVES[move], step=1e-3)
    assert gradient > 0.1
    assert gradient == pytest.approx(slope, rel=1e-2 if shape == "square_on_its_corner" else 1e-3)


@pytest.mark.parametrize("shape", ["square", "square_on_its_corner", "sphere"])
def test_gradient_of_a_single_vertex(shape: str) -> None:
    gradient, slope = slopes(*SHAPES[shape], corner, step=1e-3)
    assert gradient == pytest.approx(slope, rel=1e-3)


def test_gradient_of_a_shift_is_the_length_of_the_moved_border() -> None:
    # The mean over 2 x 2 units grows by height / 4 for each unit the right half moves.
    gradient, _ = slopes(*square(half=0.5, turn_degrees=3.0), right_half, step=1e-3)
    assert gradient == pytest.approx(0.25, rel=1e-2)


@pytest.mark.parametrize(("shape", "area"), [("square", 1.0), ("square_on_its_corner", 1.0)])
def test_mask_covers_the_area_of_the_shape(shape: str, area: float) -> None:
    vertices, faces = SHAPES[shape]
    assert mask(clip_of(vertices), faces).mean().item() * 4 == pytest.approx(area, rel=2e-3)


def test_a_border_between_centres_blends_one_pixel() -> None:
    # The right border lies 0.75 of a pixel beyond the centre of column 5, so column 6 is covered by a quarter.
    vertices, faces = square(half=1.0)
    right = (5.75 + 0.5) / 8 * 2 - 1
    vertices = torch.where(vertices > 0.5, torch.tensor([right, 1.0, 1.0]), vertices)
    assert mask(clip_of(vertices), faces, size=8)[3].tolist() == pytest.approx([1, 1, 1, 1, 1, 1, 0.25, 0], abs=1e-5)


def test_edges_inside_a_surface_leave_the_picture_as_it_is() -> None:
    vertices, faces = square(half=1.5, turn_degrees=20.0)
    clip, rasteriser = clip_of(vertices), Torch()
    fragments = rasteriser.rasterise(clip, faces, SIZE, SIZE)
    picture = fragments.faces[..., None].float()  # another colour on each triangle
    assert torch.unique(picture).tolist() == [0, 1]
    assert torch.equal(rasteriser.antialias(picture, fragments, clip, faces), picture)


def test_hidden_edges_leave_the_picture_as_it_is() -> None:
    front, faces = square(half=0.8)
    behind, _ = square(half=0.3, turn_degrees=10.0, depth=0.5)
    both = torch.cat([front, behind]), torch.cat([faces, faces + 4])
    rasteriser = Torch()
    alone, hiding = clip_of(front), clip_of(both[0])
    fragments = rasteriser.rasterise(hiding, both[1], SIZE, SIZE)
    noise = torch.rand(1, SIZE, SIZE, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(
        rasteriser.antialias(noise, fragments, hiding, both[1]),
        rasteriser.antialias(noise, rasteriser.rasterise(alone, faces, SIZE, SIZE), alone, faces),
    )


def test_an_inner_silhouette_blends_with_what_lies_behind() -> None:
    front, faces = square(half=0.403)
    behind, _ = square(half=0.9, depth=0.5)
    clip, both = clip_of(torch.cat([front, behind])), torch.cat([faces, faces + 4])
    rasteriser = Torch()
    fragments = rasteriser.rasterise(clip, both, SIZE, SIZE)
    picture = ((fragments.faces >= 0) & (fragments.faces < 2)).float()[..., None]  # the front is white
    middle = rasteriser.antialias(picture, fragments, clip, both)[0, SIZE // 2, :, 0]
    assert middle.sum().item() == pytest.approx(0.403 * SIZE, abs=1e-3)
    assert len(middle[(middle > 0) & (middle < 1)]) == 2


def test_edges_behind_edges_count_once() -> None:
    box = trimesh.creation.box(extents=(1.03, 0.97, 1.0))  # seen face on: its back lies exactly behind its front
    vertices, faces = torch.tensor(box.vertices, dtype=torch.float32), torch.tensor(box.faces)
    assert mask(clip_of(vertices), faces).mean().item() * 4 == pytest.approx(1.03 * 0.97, rel=2e-3)


def test_views_do_not_mix() -> None:
    vertices, faces = sphere(2)
    clips = torch.cat([clip_of(vertices), clip_of(vertices * 0.7)])
    together = alpha_of(Torch(), clips, faces, SIZE, SIZE)
    for view, clip in enumerate(clips):
        assert torch.equal(together[view], mask(clip[None], faces))
