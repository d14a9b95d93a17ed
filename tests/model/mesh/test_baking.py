"""Textures painted from views: true to them, filled where they show nothing, without seams."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from model.avatar.colour import THRESHOLD, coloured, views_of
from model.mesh.atlas import Atlas, unwrap
from model.mesh.baking import bake, laid_out, shown
from model.mesh.cameras import AZIMUTHS, orthographic_cameras
from model.mesh.mesh import Mesh
from model.mesh.rasterise_torch import Torch
from model.mesh.view_projection import Projection, Views
from tests.model.mesh.painted import checks, figure, pictures, psnr, smooth, with_texture, with_vertex_colours

SIZE = 160


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return figure()


@pytest.fixture(scope="module")
def atlas(mesh: Mesh) -> Atlas:
    return unwrap(mesh, 256)


def test_smooth_colours_come_back_in_the_views_and_between_them(mesh: Mesh, atlas: Atlas) -> None:
    views = pictures(mesh, AZIMUTHS, SIZE, smooth)
    texture, _ = baked(mesh, atlas, views)
    assert psnr(with_texture(mesh, atlas, texture, AZIMUTHS, SIZE), views) > 35
    between = (22, 135)
    assert psnr(with_texture(mesh, atlas, texture, between, SIZE), pictures(mesh, between, SIZE, smooth)) > 35


def test_a_texture_shows_checks_finer_than_the_triangles(mesh: Mesh, atlas: Atlas) -> None:
    views = pictures(mesh, AZIMUTHS, SIZE, checks(0.2))
    texture, colours = baked(mesh, atlas, views)
    of_vertices = psnr(with_vertex_colours(mesh, colours, AZIMUTHS, SIZE), views)
    assert psnr(with_texture(mesh, atlas, texture, AZIMUTHS, SIZE), views) > of_vertices + 3


def test_one_colour_fills_the_whole_texture_so_no_mip_level_shows_a_seam(mesh: Mesh, atlas: Atlas) -> None:
    texture, _ = baked(mesh, atlas, pictures(mesh, AZIMUTHS, SIZE, one_colour))
    assert (texture - one_colour(texture)).abs().max() < 1.5 / 255


def test_even_triangles_smaller_than_a_texel_get_their_own_colour(mesh: Mesh) -> None:
    coarse = unwrap(mesh, 96)
    texture, _ = baked(mesh, coarse, pictures(mesh, AZIMUTHS, SIZE, trunk_or_arm))
    column, row = (coarse.uv * 96).long().clamp(max=95).unbind(1)
    true = trunk_or_arm(mesh.vertices[coarse.source])
    assert ((texture[row, column] - true).abs().amax(1) < 0.02).all()


def test_what_no_view_shows_has_the_vertices_colours(mesh: Mesh, atlas: Atlas) -> None:
    front = Views(pictures(mesh, (0,), SIZE, one_colour), orthographic_cameras((0,), 2.0), torch.ones(1))
    green = torch.tensor([0.0, 0.8, 0.0]).expand(len(mesh.vertices), 3)
    picture = bake(atlas, Projection(mesh, front, Torch()), green, THRESHOLD, Torch())
    texture = torch.from_numpy(np.array(picture)).float() / 255
    column, row = (atlas.uv * atlas.size).long().unbind(1)
    back = mesh.vertices[atlas.source, 2] < -0.05
    assert (texture[row, column][back] - green[0]).abs().max() < 1.5 / 255


def test_piece_by_piece_texels_have_the_colours_they_have_together(mesh: Mesh, atlas: Atlas) -> None:
    projection = Projection(mesh, views_of(pictures(mesh, AZIMUTHS, SIZE, smooth)), Torch())
    colours = coloured(projection).colours
    assert colours is not None
    texels = laid_out(atlas, projection, colours, Torch())
    pieces = list(texels.pieces(1000))
    assert len(pieces) == -(-len(texels.points) // 1000) > 2
    together = shown(texels, projection, THRESHOLD)
    torch.testing.assert_close(torch.cat([shown(piece, projection, THRESHOLD) for piece in pieces]), together)


def baked(mesh: Mesh, atlas: Atlas, views: Tensor) -> tuple[Tensor, Tensor]:
    """The texture, (size, size, 3), and the vertices' colours, (V, 3)."""
    projection = Projection(mesh, views_of(views), Torch())
    colours = coloured(projection).colours
    assert colours is not None
    picture = bake(atlas, projection, colours, THRESHOLD, Torch())
    assert picture.mode == "RGB"
    assert picture.size == (atlas.size, atlas.size)
    return torch.from_numpy(np.array(picture)).float() / 255, colours


def one_colour(places: Tensor) -> Tensor:
    return places.new_tensor([0.9, 0.3, 0.1]).expand(places.shape)


def trunk_or_arm(places: Tensor) -> Tensor:
    arm = places[..., :1] > 0.8
    return torch.where(arm, places.new_tensor([0.9, 0.1, 0.1]), places.new_tensor([0.1, 0.1, 0.9]))
