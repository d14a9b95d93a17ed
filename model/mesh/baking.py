"""The texture of a mesh, painted texel by texel from pictures of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn.functional import normalize

from model.mesh.atlas import Atlas
from model.mesh.rasteriser import Rasteriser, interpolate
from model.mesh.view_projection import Projection

# Points and normals of length 1, (P, 3) each, to colours, (P, 3) in 0..1, and how far they are believed, (P,) in 0..1:
# what is known more finely than the views show it.
Detail = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Texels:
    """The texels that lie in a chart, row by row, and what of the surface they show.

    covered: (size, size) bool. points, normals: (texels, 3); normals are of any length. fallback: (texels, 3) in 0..1.
    """

    covered: Tensor
    points: Tensor
    normals: Tensor
    fallback: Tensor

    def pieces(self, texels: int) -> Iterator[Texels]:
        """The same texels in order, so many at once; each piece has the whole of `covered`."""
        rows = zip(*(torch.split(part, texels) for part in (self.points, self.normals, self.fallback)), strict=True)
        return (Texels(self.covered, *piece) for piece in rows)


def bake(
    atlas: Atlas, projection: Projection, fallback: Tensor, threshold: float, rasteriser: Rasteriser
) -> Image.Image:
    """The base colour as the views show it, at the texture's resolution; its steps are there to be had singly.

    Args:
        atlas: of the projection's mesh.
        projection: the mesh and its pictures.
        fallback: (V, 3) in 0..1, colours of the mesh's vertices for texels that no view shows.
        threshold: weight from which a texel needs no fallback; below it the two are mixed, so that no edge shows.
        rasteriser: lays the charts out.

    Returns an RGB picture of atlas.size x atlas.size. Every texel outside the charts repeats the nearest inside one, so
    that neither bilinear sampling nor mip-mapping brings a seam up.
    """
    texels = laid_out(atlas, projection, fallback, rasteriser)
    return spread(texture_of(texels.covered, shown(texels, projection, threshold)), texels.covered)


def laid_out(atlas: Atlas, projection: Projection, fallback: Tensor, rasteriser: Rasteriser) -> Texels:
    """Where each texel lies on the mesh."""
    attributes = torch.cat([projection.mesh.vertices, projection.normals, fallback], dim=1)[atlas.source]
    covered, texels = _texels(atlas, attributes, rasteriser)
    return Texels(covered, *texels.view(-1, 3, 3).unbind(1))


def shown(texels: Texels, projection: Projection, threshold: float, detail: Detail | None = None) -> Tensor:
    """The texels' colours as the views show them, (texels, 3) in 0..1, or as the detail, as far as it is believed; each
    is found without the others."""
    normals = normalize(texels.normals, dim=1)
    sums, weights = projection.shown(texels.points, normals)
    lacking = (threshold - weights).clamp(min=0)[:, None]
    colours: Tensor = (sums + texels.fallback * lacking) / (weights[:, None] + lacking)
    if detail is None:
        return colours
    finer, believed = detail(texels.points, normals)
    return torch.lerp(colours, finer, believed[:, None])


def texture_of(covered: Tensor, colours: Tensor) -> Tensor:
    """The texture, (size, size, 3) uint8, black outside the charts."""
    texture = colours.new_zeros(*covered.shape, 3)
    texture[covered] = colours
    return (texture.clamp(0, 1) * 255).round().to(torch.uint8)


def spread(texture: Tensor, covered: Tensor) -> Image.Image:
    """The picture in which every texel that is not covered repeats the nearest that is. Work for the host."""
    levels, inside = texture.numpy(force=True), covered.numpy(force=True)
    if inside.any():
        rows, columns = distance_transform_edt(~inside, return_distances=False, return_indices=True)
        levels = levels[rows, columns]
    return Image.fromarray(levels)


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
