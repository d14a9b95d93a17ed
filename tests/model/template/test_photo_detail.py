"""Texels painted from the photos."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from model.clothes.buffers import BodyLayer
from model.engines.template.labels import LabelledPixels
from model.engines.template.photo_detail import CloserPhotos, PhotoPainter, Sightings
from model.engines.template.views import ViewPixels
from model.mesh.mesh import Mesh
from model.mesh.rasterisers import open_rasteriser

VIEW, PHOTO = 16, 256  # pixels a side


def wall() -> Mesh:
    """A square that looks forward, as high as bodies are in the views."""
    corners = torch.tensor([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]])
    return Mesh(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]), torch.full((4, 3), 0.5))


def striped() -> torch.Tensor:
    """A photo of stripes two pixels wide, far finer than the views' pixels."""
    on = (torch.arange(PHOTO) // 2 % 2).float().expand(3, PHOTO, PHOTO)
    return torch.cat([on, torch.ones(1, PHOTO, PHOTO)])


def painter(belief: float) -> PhotoPainter:
    """Of a wall that the front view shows as grey; the photo shows what the view does."""
    along = torch.linspace(-1 + 1 / VIEW, 1 - 1 / VIEW, VIEW)
    down, across = torch.meshgrid(along, along, indexing="ij")
    count = VIEW * VIEW
    points = np.zeros((1, 6 * count, 2), np.float32)
    points[0, :count] = torch.stack([across, down], -1).view(-1, 2)
    beliefs = np.zeros((1, 6 * count), np.float32)
    beliefs[0, :count] = belief
    no_face, there = np.zeros(6 * count, np.float32), np.ones((6, VIEW, VIEW), np.bool_)
    sightings = Sightings(np.array([0]), beliefs, points, no_face, there)
    views = [Image.new("RGBA", (VIEW, VIEW), (128, 128, 128, 255))] * 6
    rasteriser = open_rasteriser(torch.device("cpu"), "torch")
    return PhotoPainter(wall(), views, VIEW, rasteriser, CloserPhotos({0: striped()}, sightings))


def asked() -> tuple[torch.Tensor, torch.Tensor]:
    """Points along the wall's middle, a photo's pixel apart, as cameras see them; and that they look forward."""
    x = torch.linspace(-0.8, 0.8, 103)
    points = torch.stack([x, torch.full_like(x, 0.1), torch.zeros_like(x)], 1)
    return points, torch.tensor([0.0, 0.0, 1.0]).expand_as(points)


def test_the_detail_is_the_photos_own() -> None:
    detail = painter(1.0).detail(wall())
    assert detail is not None
    points, normals = asked()
    colours, believed = detail(points, normals)
    stripes = striped()[0, 0, ((points[:, 0] / 2 + 1) / 2 * PHOTO).long()]
    assert believed.min() == 1
    assert (colours[:, 0] - stripes).abs().mean() < 0.3
    assert np.corrcoef(colours[:, 0], stripes)[0, 1] > 0.8


@pytest.mark.parametrize(("belief", "most"), [(0.0, 0.0), (0.05, 0.5)])
def test_what_photos_do_not_show_for_sure_is_left_to_the_views(belief: float, most: float) -> None:
    detail = painter(belief).detail(wall())
    assert detail is not None
    believed = detail(*asked())[1]
    assert believed.max() <= most
    assert believed.min() >= 0.6 * most


def test_what_no_photo_shows_is_looked_for_on_the_other_side() -> None:
    """A photo shows the left half of a shirt, a centimetre a pixel; the view asks for the right half, too."""
    size = 32
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    shares = np.zeros((1, size, size, len(BodyLayer)), np.float32)
    shares[..., BodyLayer.UPPER] = 1
    pixels = LabelledPixels(
        colours=np.zeros((1, size, size, 3), np.float32),
        alphas=np.ones((1, size, size), np.float32),
        shares=shares,
        places=np.stack([0.01 * (columns + 5), 0.3 - 0.01 * rows, 0 * rows], -1)[None],
        errors=np.full((1, size, size), 0.02, np.float32),
        azimuths=np.zeros(1, np.float32),
    )
    asked_places = np.zeros((6, 1, 2, 3), np.float32)
    asked_places[0, 0] = [[0.15, 0.2, 0], [-0.15, 0.2, 0]]
    asked_layers = np.zeros((6, 1, 2), np.uint8)
    asked_layers[0] = BodyLayer.UPPER
    view = ViewPixels(np.zeros((6, 1, 1, 3), np.float32), np.ones((6, 1, 1, 1), np.float32), asked_layers, asked_places)
    sightings = Sightings.of(pixels, pixels.layers(), view, np.zeros((1, size, size), np.float32))
    shown, _, other_side = sightings.beliefs
    assert (shown[0] > 0.1, shown[1]) == (True, 0)
    assert (other_side[0], other_side[1] > 0.1) == (0, True)
    pixel = (np.array([10, 10]) + 0.5) * 2 / size - 1
    assert sightings.points[0, 0] == pytest.approx(pixel, abs=0.01)
    assert sightings.points[2, 1] == pytest.approx(pixel, abs=0.01)


def test_without_photos_there_is_no_detail() -> None:
    views = [Image.new("RGBA", (VIEW, VIEW))] * 6
    assert PhotoPainter(wall(), views, VIEW, open_rasteriser(torch.device("cpu"), "torch"), None).detail(wall()) is None
