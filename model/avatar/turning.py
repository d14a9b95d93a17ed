"""The avatar turning once around: `turntable.mp4`, the same as `.webm`, and eight pictures of it, 0 in front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from model.mesh.atlas import Atlas
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.mesh.rasteriser import Rasteriser
from model.mesh.turntable import textured, turntable
from model.mesh.video import write_video

FRAMES, PREVIEWS = 64, 8
SIZE = 768
_FPS = 16

Picture = NDArray[np.uint8]  # (H, W, 3)
Painting = tuple[Atlas, Image.Image]


def frames(mesh: Mesh, painting: Painting | None, rasteriser: Rasteriser, *, closed: bool) -> Iterator[Picture]:
    """The frames on white, rendered as they are asked for. A mesh without colours is shown in its normals'."""
    if mesh.colours is None:
        mesh = replace(mesh, colours=vertex_normals(mesh.vertices, mesh.faces) / 2 + 0.5)
    shade = None
    if painting is not None:
        atlas, picture = painting
        texture = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255).to(mesh.vertices)
        shade = textured(atlas.faces, atlas.uv, texture)
    for frame in turntable(mesh, SIZE, FRAMES, rasteriser, closed=closed, shade=shade):
        yield (frame.albedo[..., :3] * 255).round().byte().numpy(force=True)


def write(pictures: Sequence[Picture], folder: Path) -> None:
    """The videos and the pictures."""
    for kind in ("mp4", "webm"):
        write_video(pictures, folder / f"turntable.{kind}", _FPS)
    for i in range(PREVIEWS):
        Image.fromarray(pictures[i * FRAMES // PREVIEWS]).save(folder / f"preview_{i}.png")
