"""Texels painted from the photos."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from model.engines.template.photo_detail import CloserPhotos, PhotoPainter, Sightings
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
    points = np.zeros((1, 6, VIEW, VIEW, 2), np.float32)
    points[0, 0] = torch.stack([across, down], -1)
    beliefs = np.zeros((1, 6, VIEW, VIEW), np.float32)
    beliefs[0, 0] = belief
    nothing = np.zeros((6, VIEW, VIEW), np.float32)
    sightings = Sightings(np.array([0]), beliefs, points, nothing, nothing + 1)
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


@pytest.mark.parametrize(("belief", "most"), [(0.0, 0.0), (0.1, 0.5)])
def test_what_photos_do_not_show_for_sure_is_left_to_the_views(belief: float, most: float) -> None:
    detail = painter(belief).detail(wall())
    assert detail is not None
    believed = detail(*asked())[1]
    assert believed.max() <= most
    assert believed.min() >= 0.6 * most


def test_without_photos_there_is_no_detail() -> None:
    views = [Image.new("RGBA", (VIEW, VIEW))] * 6
    assert PhotoPainter(wall(), views, VIEW, open_rasteriser(torch.device("cpu"), "torch"), None).detail(wall()) is None
