"""The avatar turning once around: `turntable.mp4`, the same as `.webm`, and eight pictures of it, 0 in front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from model.mesh.atlas import Atlas
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.mesh.rasteriser import Rasteriser
from model.mesh.turntable import Shade, textured, turntable
from model.mesh.video import write_video

FRAMES, PREVIEWS = 64, 8  # as many frames as published, and one picture for each eighth of a turn
SIDES = ("front", "back")
SIZE = 768  # pixels a side: that of the published views
_FPS = 16  # a whole turn in 4 s; the published video, at 10, stops an eighth before it

RGBArray = NDArray[np.uint8]  # (H, W, 3)
Painting = tuple[Atlas, Image.Image]


def frames(
    mesh: Mesh, painting: Painting | None, rasteriser: Rasteriser, *, closed: bool, solid: bool
) -> Iterator[RGBArray]:
    """The frames on white, rendered as they are asked for. A mesh without colours is shown in its normals'."""
    if mesh.colours is None:
        mesh = replace(mesh, colours=vertex_normals(mesh.vertices, mesh.faces) / 2 + 0.5)
    for frame in turntable(mesh, SIZE, FRAMES, rasteriser, closed=closed, shade=_shade(mesh, painting), solid=solid):
        yield (frame.albedo[..., :3] * 255).round().byte().numpy(force=True)


def looks(mesh: Mesh, painting: Painting | None, rasteriser: Rasteriser, shown: Tensor) -> Iterator[Image.Image]:
    """RGBA pictures of some of its triangles, (F,) bool, from in front and behind, where the whole mesh would be."""
    whole = turntable(mesh, SIZE, len(SIDES), rasteriser, shade=_shade(mesh, painting), shown=shown)
    for frame in whole:
        alpha = frame.albedo[..., 3:]
        straight = (frame.albedo[..., :3] - (1 - alpha)) / alpha.clamp(min=1e-6)  # it is on white
        levels = torch.cat([straight.clamp(0, 1), alpha], -1) * 255
        yield Image.fromarray(levels.round().byte().numpy(force=True), "RGBA")


def _shade(mesh: Mesh, painting: Painting | None) -> Shade | None:
    if painting is None:
        return None
    atlas, picture = painting
    texture = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255).to(mesh.vertices)
    return textured(atlas.faces, atlas.uv, texture)


def write(pictures: Sequence[RGBArray], folder: Path) -> None:
    """The videos and the pictures."""
    for kind in ("mp4", "webm"):
        write_video(pictures, folder / f"turntable.{kind}", _FPS)
    for i in range(PREVIEWS):
        Image.fromarray(pictures[i * FRAMES // PREVIEWS]).save(folder / f"preview_{i}.png")
