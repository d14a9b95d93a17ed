"""The texture of a mesh, painted texel by texel from pictures of it."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn.functional import normalize

from model.mesh.atlas import Atlas
from model.mesh.rasteriser import Rasteriser, interpolate
from model.mesh.view_projection import Projection


def bake(
    atlas: Atlas, projection: Projection, fallback: Tensor, threshold: float, rasteriser: Rasteriser
) -> Image.Image:
    """The base colour as the views show it, at the texture's resolution.

    Args:
        atlas: of the projection's mesh.
        projection: the mesh and its pictures.
        fallback: (V, 3) in 0..1, colours of the mesh's vertices for texels that no view shows.
        threshold: weight from which a texel needs no fallback; below it the two are mixed, so that no edge shows.
        rasteriser: lays the charts out.

    Returns an RGB picture of atlas.size x atlas.size. Every texel outside the charts repeats the nearest inside one, so
    that neither bilinear sampling nor mip-mapping brings a seam up.
    """
    attributes = torch.cat([projection.mesh.vertices, projection.normals, fallback], dim=1)[atlas.source]
    covered, texels = _texels(atlas, attributes, rasteriser)
    points, normals, unseen = texels.view(-1, 3, 3).unbind(1)
    sums, weights = projection.shown(points, normalize(normals, dim=1))
    lacking = (threshold - weights).clamp(min=0)[:, None]
    colours = (sums + unseen * lacking) / (weights[:, None] + lacking)
    texture = colours.new_zeros(*covered.shape, 3)
    texture[covered] = colours
    return Image.fromarray(_spread(_levels(texture), covered.numpy(force=True)))


def _texels(atlas: Atlas, attributes: Tensor, rasteriser: Rasteriser) -> tuple[Tensor, Tensor]:
    """Which texels lie in a chart, (size, size) bool, and the vertices' attributes there, (texels, C), row by row.

    The texel of each vertex counts too: a chart thinner than a texel may hold no texel's centre.
    """
    size = atlas.size
    flat = atlas.uv * 2 - 1
    clip = torch.cat([flat, torch.zeros_like(flat[:, :1]), torch.ones_like(flat[:, :1])], dim=1)
    fragments = rasteriser.rasterise(clip[None], atlas.faces, size, size)
    picture = interpolate(attributes, atlas.faces, fragments)[0]
    covered = fragments.faces[0] >= 0
    column, row = (atlas.uv * size).long().clamp(0, size - 1).unbind(1)
    lonely = ~covered[row, column]
    picture[row[lonely], column[lonely]] = attributes[lonely]
    covered[row[lonely], column[lonely]] = True
    return covered, picture[covered]


def _levels(texture: Tensor) -> np.ndarray:
    levels: np.ndarray = (texture.clamp(0, 1) * 255).round().to(torch.uint8).numpy(force=True)
    return levels


def _spread(texture: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """A texture, (H, W, 3), in which every texel that is not covered repeats the nearest that is."""
    if not covered.any():
        return texture
    rows, columns = distance_transform_edt(~covered, return_distances=False, return_indices=True)
    spread: np.ndarray = texture[rows, columns]
    return spread
