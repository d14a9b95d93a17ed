"""The finished avatar, seen again from the six sides: what texture and surface have kept of the person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from model.avatar.colour import THRESHOLD
from model.avatar.painting import MeshPainter
from model.avatar.pipeline import AvatarPipeline
from model.avatar.reconstruction import RADIUS
from model.clothes.arrays import Floats
from model.evaluate.avatars import views
from model.evaluate.avatars.people import JudgedPerson
from model.mesh.atlas import Atlas, unwrap
from model.mesh.baking import Detail, shown, spread, texture_of
from model.mesh.cameras import AZIMUTHS, orthographic_cameras, to_clip
from model.mesh.rasteriser import Rasteriser
from model.mesh.turntable import Shade, textured

SIZE, _OVERSAMPLING = 192, 4  # pixels a side of what is compared, and how much finer it is drawn
_TEXTURE = 1024  # pixels a side


@dataclass(frozen=True)
class FinishedViews:
    """Of the avatar as it is, and as it would be if its texture came from the six views alone: (6, s, s, 4) each."""

    made: Floats
    from_views: Floats

    @classmethod
    def of(cls, pipeline: AvatarPipeline, texture: int = _TEXTURE) -> FinishedViews:
        """Once its surface has colours. texture: pixels a side."""
        painter = pipeline.painter()
        mesh = pipeline.subject.coloured.to(pipeline.device.torch_device)
        atlas, detail = unwrap(mesh, texture), painter.detail(mesh)
        plain = _seen(pipeline, painter, atlas, None)
        return cls(plain if detail is None else _seen(pipeline, painter, atlas, detail), plain)


def finished_scores(person: JudgedPerson, seen: FinishedViews) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Of the avatar, and of what the views alone would have given."""
    closer = JudgedPerson(person.seed, len(person.photos), SIZE)
    made, from_views = (
        {
            "finished": views.psnr_in_union(pictures, closer.views),
            "finished_gradient": 100 * views.gradient_kept(pictures, closer.views, closer.layers),
        }
        for pictures in (seen.made, seen.from_views)
    )
    return made, from_views


def _seen(pipeline: AvatarPipeline, painter: MeshPainter, atlas: Atlas, detail: Detail | None) -> Floats:
    mesh = pipeline.subject.coloured.to(pipeline.device.torch_device)
    projection = painter.projection(mesh)
    texels = painter.texels(atlas, projection)
    texture = spread(texture_of(texels.covered, shown(texels, projection, THRESHOLD, detail)), texels.covered)
    pixels = torch.from_numpy((np.asarray(texture) / 255).astype(np.float32)).to(mesh.vertices)
    shade = textured(atlas.faces, atlas.uv, pixels)
    cameras = orthographic_cameras(AZIMUTHS, RADIUS).to(mesh.vertices)
    clips = to_clip(painter.placed(mesh).vertices, cameras)
    rasteriser = pipeline.resources.rasteriser
    return np.stack([_view(clip, mesh.faces, shade, rasteriser) for clip in clips])


def _view(clip: Tensor, faces: Tensor, shade: Shade, rasteriser: Rasteriser) -> Floats:
    """(s, s, 4): colours times alpha, and alpha."""
    fragments = rasteriser.rasterise(clip[None], faces, SIZE * _OVERSAMPLING, SIZE * _OVERSAMPLING)
    alpha = (fragments.faces >= 0).to(clip)[..., None]
    colours = shade(fragments) * alpha
    fine = torch.cat([colours, alpha], -1)[0].numpy(force=True)
    small: Floats = cv2.resize(fine, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return small
