"""The finished avatar, turning once around: frames of its colours and of its normals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.mesh.atlas import sample_texture
from model.mesh.cameras import orthographic_cameras, to_clip
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.mesh.placement import normalised
from model.mesh.rasteriser import Fragments, Rasteriser, interpolate

HALF_HEIGHT = 1.85 / 2  # of the avatar in the frames, whose half height is 1
_WHITE = 1.0  # behind the avatar

Shade = Callable[[Fragments], Tensor]  # the colour of every pixel, (views, H, W, 3) in 0..1


@dataclass(frozen=True)
class Frame:
    """One look at the avatar from `azimuth`, in degrees. albedo: (H, W, 4) in 0..1, on white, alpha last."""

    azimuth: float
    albedo: Tensor
    in_normals: Callable[[], Tensor]

    @property
    def normals(self) -> Tensor:
        """The same in the colours of its normals, painted when it is asked for."""
        return self.in_normals()


def azimuths(frames: int, *, closed: bool = True) -> list[float]:
    """Where the frames look from, in degrees.

    Args:
        closed: the last step leads back to the first frame. False: whole degrees, as the reference does, which leaves
            a gap where `frames` does not divide 360.
    """
    step = 360 / frames if closed else 360 // frames
    return [float(step * i) for i in range(frames)]


def turntable(
    mesh: Mesh,
    size: int,
    frames: int,
    rasteriser: Rasteriser,
    *,
    closed: bool = True,
    shade: Shade | None = None,
    shown: Tensor | None = None,
    solid: bool = False,
) -> Iterator[Frame]:
    """Frames of `size` squared, rendered one at a time as they are asked for.

    Orthographic, unlit, normals those of the world. Without `shade` the mesh's vertex colours are shown. shown: (F,)
    bool, the triangles that are there; the others neither show nor hide anything. solid: the surface is closed, so that
    nobody sees a triangle from behind, and half of them need not be drawn.

    Raises:
        ValueError: the mesh has no colours and there is no `shade`.
    """
    if shade is None:
        shade = coloured(mesh)
    vertices, _, _ = normalised(mesh.vertices, HALF_HEIGHT)
    normals = (vertex_normals(vertices, mesh.faces) + 1) / 2
    there = torch.ones(len(mesh.faces), dtype=torch.bool, device=mesh.faces.device) if shown is None else shown

    def render(azimuth: float) -> Frame:
        clip = to_clip(vertices, orthographic_cameras([azimuth]))
        drawn = (there & _facing(clip[0], mesh.faces) if solid else there).nonzero()[:, 0]
        fragments = rasteriser.rasterise(clip, mesh.faces[drawn], size, size)
        fragments = replace(fragments, faces=torch.where(fragments.faces >= 0, drawn[fragments.faces], -1))
        alpha = (fragments.faces >= 0).to(clip.dtype)[..., None]

        def painted(colours: Tensor) -> Tensor:
            picture = torch.cat([colours * alpha + _WHITE * (1 - alpha), alpha], dim=-1)
            return rasteriser.antialias(picture, fragments, clip, mesh.faces)[0].clamp(0, 1)

        return Frame(azimuth, painted(shade(fragments)), lambda: painted(interpolate(normals, mesh.faces, fragments)))

    return map(render, azimuths(frames, closed=closed))


def _facing(clip: Tensor, faces: Tensor) -> Tensor:
    """Which triangles, (F,) bool, are not seen from behind."""
    corners = clip[:, :2][faces]
    to_b, to_c = (corners[:, 1:] - corners[:, :1]).unbind(1)
    facing: Tensor = to_b[:, 0] * to_c[:, 1] - to_b[:, 1] * to_c[:, 0] <= 0
    return facing


def coloured(mesh: Mesh) -> Shade:
    """Shows a mesh's vertex colours."""
    colours = mesh.colours
    if colours is None:
        raise ValueError("the mesh has no colours")
    return lambda fragments: interpolate(colours, mesh.faces, fragments)


def textured(faces: Tensor, uv: Tensor, texture: Tensor) -> Shade:
    """Shows a texture, bilinearly.

    faces: (F, 3) int64. uv: (V, 2) in 0..1, of each vertex; v = 0 is the texture's first row, as in glTF.
    texture: (H, W, 3) in 0..1.
    """

    return lambda fragments: sample_texture(texture, interpolate(uv, faces, fragments))
