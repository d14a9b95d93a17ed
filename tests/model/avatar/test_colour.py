"""Colours of vertices: the published ones to the number, and what ours do better."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import max_pool2d

from model.avatar.colour import (
    PUBLISHED_THRESHOLD,
    blended,
    coloured,
    coloured_as_published,
    projected,
    stacked,
    views_of,
    visible_faces,
)
from model.mesh.cameras import AZIMUTHS
from model.mesh.completion import complete
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.mesh.rasterise_torch import Torch
from model.mesh.view_projection import Projection, Views
from tests.model.mesh.painted import figure, pictures, smooth

GOLDEN = Path(__file__).parents[3].parent / "shared/golden/up2you"
VIEWS = range(len(AZIMUTHS))
SIZE = 128
RED = torch.tensor([0.9, 0.1, 0.1])


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    if not GOLDEN.is_dir():
        pytest.skip("the reference data is not here")
    return load_file(GOLDEN / "color_projection.safetensors")


@pytest.fixture(scope="module")
def published(golden: dict[str, Tensor]) -> tuple[Mesh, Views]:
    return Mesh(golden["verts"], golden["faces"]), views_of(golden["images"])


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_gives_the_published_colours_and_weights(
    view: int, golden: dict[str, Tensor], published: tuple[Mesh, Views]
) -> None:
    mesh, views = published
    normals = vertex_normals(mesh.vertices, mesh.faces)
    faces = golden[f"cam{view}.visible_faces"]
    vertices, colours, weights = projected(mesh, normals, views, view, faces)
    assert torch.equal(vertices, golden[f"cam{view}.valid_verts"])
    torch.testing.assert_close(colours, golden[f"cam{view}.valid_colors"], atol=1e-5, rtol=0)
    cosines, alpha = golden[f"cam{view}.cos_angles"], golden[f"cam{view}.valid_alpha"][:, 0]
    torch.testing.assert_close(weights, cosines**2 * alpha * views.weights[view], atol=1e-5, rtol=0)


def test_blending_and_completion_are_the_published_ones(
    golden: dict[str, Tensor], published: tuple[Mesh, Views]
) -> None:
    mesh, views = published
    normals = vertex_normals(mesh.vertices, mesh.faces)
    colours, weights = blended(mesh, normals, views, [golden[f"cam{view}.visible_faces"] for view in VIEWS])
    torch.testing.assert_close(colours, golden["colors_before_completion"], atol=1e-5, rtol=0)
    completed = complete(colours, weights >= PUBLISHED_THRESHOLD, mesh.faces)
    torch.testing.assert_close(completed, golden["colors_final"], atol=1e-5, rtol=0)


def test_our_rasteriser_sees_the_published_faces(golden: dict[str, Tensor], published: tuple[Mesh, Views]) -> None:
    mesh, views = published
    for view in VIEWS:
        assert torch.equal(visible_faces(mesh, views, view, Torch()), golden[f"cam{view}.visible_faces"])
    colours = coloured_as_published(mesh, views, Torch()).colours
    torch.testing.assert_close(colours, golden["colors_final"], atol=1e-4, rtol=0)


def test_an_arm_near_the_camera_hides_the_trunk_from_it() -> None:
    mesh, paint = figure(), with_red_arm
    views = views_of(pictures(mesh, AZIMUTHS, SIZE, paint))
    behind = (mesh.vertices[:, 0] > 0.3) & (mesh.vertices[:, 0] < 0.6) & (mesh.vertices[:, 1] - 0.2).abs().lt(0.15)
    behind &= mesh.vertices[:, 2].abs() < 0.1
    assert behind.sum() > 10
    assert worst(coloured_as_published(mesh, views, Torch()), paint, behind) > 0.3
    assert worst(coloured(Projection(mesh, views, Torch())), paint, behind) < 0.1


def test_the_gray_around_the_person_stays_outside_even_if_the_matte_is_a_pixel_too_wide() -> None:
    mesh = figure()
    painted = pictures(mesh, AZIMUTHS, SIZE, lambda places: RED.expand(places.shape))
    painted[:, 3:] = max_pool2d(painted[:, 3:], kernel_size=3, stride=1, padding=1)
    views = views_of(painted)
    everywhere = torch.ones(len(mesh.vertices), dtype=torch.bool)
    assert worst(coloured_as_published(mesh, views, Torch()), lambda _: RED, everywhere) > 0.05
    assert worst(coloured(Projection(mesh, views, Torch())), lambda _: RED, everywhere) < 1e-5


def test_a_part_that_no_view_shows_is_painted_like_its_surroundings() -> None:
    shell = figure()
    inner = shell.vertices * 0.5
    mesh = Mesh(torch.cat([shell.vertices, inner]), torch.cat([shell.faces, shell.faces + len(inner)]))
    views = views_of(pictures(shell, AZIMUTHS, SIZE, lambda places: RED.expand(places.shape)))
    colours = coloured(Projection(mesh, views, Torch())).colours
    torch.testing.assert_close(colours, RED.expand(len(mesh.vertices), 3), atol=1e-5, rtol=0)


def test_blank_pictures_give_gray_and_no_error() -> None:
    mesh = figure(2)
    views = views_of(torch.zeros(6, 4, SIZE, SIZE))
    ours = coloured(Projection(mesh, views, Torch())).colours
    assert ours is not None
    assert (ours == 0.5).all()
    published = coloured_as_published(mesh, views, Torch()).colours
    assert published is not None
    assert published.isfinite().all()


def test_degenerate_triangles_and_points_at_infinity_abort_nothing() -> None:
    mesh = figure(3)
    vertices = torch.cat([mesh.vertices, torch.full((1, 3), torch.nan)])
    lost = len(mesh.vertices)
    faces = torch.cat([mesh.faces, torch.tensor([[0, 0, 1], [2, 2, 2], [0, 1, lost]])])
    broken = Mesh(vertices, faces)
    views = views_of(pictures(mesh, AZIMUTHS, SIZE, smooth))
    colours = coloured(Projection(broken, views, Torch())).colours
    assert colours is not None
    assert colours.isfinite().all()
    untouched = torch.arange(len(mesh.vertices)) > 2
    whole = coloured(Projection(mesh, views, Torch())).colours
    assert whole is not None
    assert (colours[:-1] - whole).abs().amax(1)[untouched].median() < 1e-5


def test_pictures_are_stacked_at_one_size() -> None:
    red = Image.new("RGBA", (8, 8), (255, 0, 0, 255))
    assert stacked([red, red], size=16).shape == (2, 4, 16, 16)
    torch.testing.assert_close(stacked([red], size=4)[0, :, 0, 0], torch.tensor([1.0, 0.0, 0.0, 1.0]))


def with_red_arm(places: Tensor) -> Tensor:
    return torch.where(places[..., :1] > 1.0, RED, torch.tensor([0.1, 0.2, 0.9]))


def worst(mesh: Mesh, paint: object, where: Tensor) -> float:
    assert callable(paint)
    assert mesh.colours is not None
    true = paint(mesh.vertices).expand(len(mesh.vertices), 3)
    return float((mesh.colours - true)[where].abs().max())
