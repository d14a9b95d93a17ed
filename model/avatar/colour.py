"""Colours of the reconstruction's vertices from the six generated pictures.

The reference projects each picture onto the faces its camera sees, blends, and lets the colours spread over what no
camera saw. `reference=True` repeats it. Otherwise the views are asked as `model.mesh.view_projection` does: the
reference's camera stands so near that an outstretched arm lies behind it and is painted onto the torso, all corners
of a face count as seen when a pixel of it is, and the gray around the person bleeds into the silhouette.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import grid_sample

from model.mesh.baking import Detail
from model.mesh.cameras import AZIMUTHS, orthographic_cameras
from model.mesh.completion import complete, nearest_colours, unreached
from model.mesh.mesh import Mesh
from model.mesh.normals import face_normals, vertex_normals
from model.mesh.rasteriser import Rasteriser
from model.mesh.view_projection import Projection, Views

VIEW_WEIGHTS = (1.0, 0.4, 0.8, 1.0, 0.8, 0.4)  # as published, in the order of `AZIMUTHS`: front and back most
# The weight from which the views alone decide. Ours need less: what they say is never somebody else's colour.
PUBLISHED_THRESHOLD = 0.2
THRESHOLD = 0.05

_LEAST_COSINE = 0.05  # as published: faces nearly edge-on are not seen
_CAMERA_DISTANCE = 1.1  # of the reference's cameras; the body is 3.6 high
_GRAY = 0.5  # what nobody has seen


def views_of(pictures: Tensor, radius: float = 2.0) -> Views:
    """The six pictures with their cameras and the published weights.

    pictures: (6, 4, H, W) RGBA in 0..1, in the order of `AZIMUTHS`. radius: what half a picture shows, in the mesh's
    units; 2 for a mesh 3.6 high, as reconstruction has it.
    """
    cameras = orthographic_cameras(AZIMUTHS, radius).to(pictures)
    return Views(pictures, cameras, pictures.new_tensor(VIEW_WEIGHTS))


def stacked(pictures: Sequence[Image.Image], size: int = 1024) -> Tensor:
    """RGBA pictures as the reference resizes them: (views, 4, size, size) float32 in 0..1."""
    resized = [np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)) for picture in pictures]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255


def coloured(projection: Projection, detail: Detail | None = None) -> Mesh:
    """The projection's mesh with a colour for every vertex, in 0..1. detail: what is known more finely.

    A part of the mesh that no view shows is painted like what is nearest to it; all is gray if nothing was seen.
    """
    mesh = projection.mesh
    sums, weights = projection.shown(mesh.vertices, projection.normals)
    seen = weights >= THRESHOLD
    colours = torch.where(seen[:, None], sums / weights[:, None].clamp(min=THRESHOLD), _GRAY)
    if detail is not None:
        finer, believed = detail(mesh.vertices, projection.normals)
        colours = torch.lerp(colours, finer, (believed * seen)[:, None])
    colours = nearest_colours(colours, seen, mesh.vertices, unreached(seen, mesh.faces))
    return replace(mesh, colours=complete(colours, seen, mesh.faces).clamp(0, 1))


def coloured_as_published(mesh: Mesh, views: Views, rasteriser: Rasteriser) -> Mesh:
    """The mesh with the colours the reference gives it, for its six views at their own resolution."""
    normals = vertex_normals(mesh.vertices, mesh.faces)
    visible = [visible_faces(mesh, views, view, rasteriser) for view in range(len(views))]
    colours, weights = blended(mesh, normals, views, visible)
    return replace(mesh, colours=complete(colours, weights >= PUBLISHED_THRESHOLD, mesh.faces))


def visible_faces(mesh: Mesh, views: Views, view: int, rasteriser: Rasteriser) -> Tensor:
    """Faces, (N,) ascending, that the reference's camera sees: those with a corner behind its plane are left out."""
    in_front = mesh.vertices @ views.directions[view] + _CAMERA_DISTANCE >= 1e-8
    drawn = in_front[mesh.faces].all(1).nonzero()[:, 0]
    height, width = views.pictures.shape[2:]
    clip = views.clip(mesh.vertices, view)[None]
    seen = rasteriser.rasterise(clip, mesh.faces[drawn], height, width).faces
    return drawn[torch.unique(seen[seen >= 0])]


def blended(mesh: Mesh, normals: Tensor, views: Views, visible: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The vertices' colours, (V, 3), and weights, (V,), before those of no weight are completed.

    What the views do not decide is made up with the normal, as a colour. visible: for each view the faces it sees.
    """
    sums, weights = torch.zeros_like(mesh.vertices), torch.zeros_like(mesh.vertices[:, 0])
    for view, faces in enumerate(visible):
        vertices, colours, shares = projected(mesh, normals, views, view, faces)
        sums[vertices] += colours * shares[:, None]
        weights[vertices] += shares
    made_up = normals / 2 + 0.5
    lacking = (PUBLISHED_THRESHOLD - weights).clamp(min=0)[:, None]
    return (sums + made_up * lacking) / (weights[:, None] + lacking), weights


def projected(mesh: Mesh, normals: Tensor, views: Views, view: int, faces: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Vertices seen in one view, (S,), their colours, (S, 3), and weights, (S,). faces: those it sees."""
    direction = views.directions[view]
    of_faces = face_normals(mesh.vertices, mesh.faces[faces])
    facing = of_faces @ direction < -_LEAST_COSINE * of_faces.norm(dim=1)
    vertices = torch.unique(mesh.faces[faces[facing]])
    clip = views.clip(mesh.vertices[vertices], view)
    grid = (clip[:, :2] / clip[:, 3:]).view(1, -1, 1, 2)
    sampled = grid_sample(views.pictures[view, None], grid, padding_mode="reflection", align_corners=False)
    rgba = sampled[0, ..., 0].T.clamp(0, 1)  # (S, 4)
    cosines = normals[vertices] @ direction
    return vertices, rgba[:, :3], cosines**2 * views.weights[view] * rgba[:, 3]
