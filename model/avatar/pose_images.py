"""The pose images: the shaped body's normals in the six views, which tell every later stage where the person is."""

from __future__ import annotations

import torch
from torch import Tensor

from model.body.a_pose import a_pose
from model.body.smplx import BodyModel
from model.mesh.cameras import AZIMUTHS, orthographic_cameras, to_clip
from model.mesh.normals import vertex_normals
from model.mesh.placement import normalised
from model.mesh.rasteriser import Rasteriser, interpolate

HALF_HEIGHT = 0.9  # of the body in the pictures, whose half height is 1
_GREY = 0.5  # the published ground


def pose_images(body: BodyModel, betas: Tensor, size: int, rasteriser: Rasteriser) -> Tensor:
    """Normals of the body's A-pose as colours on grey: (6, 3, size, size) in 0..1, in the order of `AZIMUTHS`.

    As published: normals are the world's in every view, so the back is dark in blue, and are not made unit again
    between vertices. betas: (10,).
    """
    mesh = a_pose(body, betas)
    vertices, _, _ = normalised(mesh.vertices, HALF_HEIGHT)
    clip = to_clip(vertices, orthographic_cameras(AZIMUTHS))
    fragments = rasteriser.rasterise(clip, mesh.faces, size, size)
    normals = (interpolate(vertex_normals(vertices, mesh.faces), mesh.faces, fragments) + 1) / 2  # grey where none is
    alpha = (fragments.faces >= 0).to(normals.dtype)[..., None]
    picture = rasteriser.antialias(torch.cat([normals, alpha], dim=-1), fragments, clip, mesh.faces).clamp(0, 1)
    normals, alpha = picture[..., :3], picture[..., 3:]
    return (normals * alpha + _GREY * (1 - alpha)).permute(0, 3, 1, 2)
