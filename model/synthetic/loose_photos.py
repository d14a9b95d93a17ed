"""Photos of a dressed person as somebody might have on the phone: from any side, whole or cropped, other poses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import interpolate
from model.synthetic.people3d import random_person, random_pose

_DISTANCE = 3.0  # metres from the camera to the middle of the body
_OVERSAMPLING = 2
# Towards the light, as the camera sees it: right, up, towards the camera. And how bright it is, per channel.
_KEY, _KEY_LIGHT = (-0.5, 0.6, 0.7), (0.72, 0.70, 0.66)
_FILL, _FILL_LIGHT = (0.8, 0.1, 0.4), (0.18, 0.19, 0.22)
_AMBIENT = (0.34, 0.34, 0.36)
_WALLS = ((0.86, 0.84, 0.80), (0.72, 0.80, 0.84), (0.83, 0.76, 0.72), (0.70, 0.77, 0.70), (0.90, 0.90, 0.91))


@dataclass(frozen=True)
class Shot:
    """azimuth: degrees, 0 in front, 90 on the person's left. elevation: degrees. top, bottom: what part of the height
    is in the picture, 0 at the soles, 1 at the crown."""

    azimuth: float
    elevation: float
    bottom: float
    top: float


# A collection has them in this order; the first alone shows all of the front.
_SHOTS = (
    Shot(0, 4, -0.04, 1.04),
    Shot(180, 4, -0.04, 1.04),
    Shot(35, 6, 0.45, 1.04),
    Shot(-80, 3, -0.04, 1.04),
    Shot(-30, 2, -0.04, 1.04),
    Shot(150, 5, 0.30, 1.05),
    Shot(75, 3, -0.04, 0.62),
    Shot(-10, 2, 0.62, 1.04),
)


def loose_photos(seed: int, count: int = 6, width: int = 384, height: int = 512) -> list[Image.Image]:
    """RGBA photos of one person: the picture with its wall in the colours, the person's true outline in alpha.

    Converted to RGB they are plain photos. From the ninth on the kinds of shot come again, in other poses.
    """
    person, rng = random_person(seed), np.random.default_rng([seed, 1])
    photos = []
    for i in range(count):
        shot = _SHOTS[i % len(_SHOTS)]
        turned = Shot(shot.azimuth + rng.uniform(-8, 8), shot.elevation, shot.bottom, shot.top)
        mesh, wall = person.posed(random_pose(rng)), rng.choice(_WALLS)
        photos.append(photograph(mesh, turned, tuple(wall), width, height))
    return photos


def photograph(mesh: Mesh, shot: Shot, wall: tuple[float, ...], width: int, height: int) -> Image.Image:
    """One RGBA photo of a mesh with colours, before a wall of one colour, darker downwards."""
    if mesh.colours is None:
        raise ValueError("the mesh has no colours")
    view = _view(shot)
    fine = (height * _OVERSAMPLING, width * _OVERSAMPLING)
    clip = _clip(mesh.vertices, view, shot, width / height)
    fragments = Torch().rasterise(clip[None], mesh.faces, *fine)
    lit = mesh.colours * _light(vertex_normals(mesh.vertices, mesh.faces) @ view.T)
    person = interpolate(lit, mesh.faces, fragments)  # (1, H, W, 3), black where nobody is
    alpha = (fragments.faces >= 0).float()[..., None]
    seen = torch.cat([person, alpha], -1).permute(0, 3, 1, 2)
    seen = F.avg_pool2d(seen, _OVERSAMPLING)[0].permute(1, 2, 0)  # (H, W, 4), colours premultiplied
    dimming = torch.linspace(1.04, 0.82, height)[:, None, None]
    picture = seen[..., :3].clamp(0, 1) + (1 - seen[..., 3:]) * torch.tensor(wall, dtype=torch.float32) * dimming
    levels = torch.cat([picture.clamp(0, 1), seen[..., 3:]], -1).mul(255).round().byte()
    return Image.fromarray(levels.numpy(), "RGBA")


def _view(shot: Shot) -> Tensor:
    """(3, 3): world to camera, whose axes are right, up and towards the camera."""
    azimuth, elevation = np.radians([shot.azimuth, shot.elevation])
    sine, cosine = np.sin(azimuth), np.cos(azimuth)
    around = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    sine, cosine = np.sin(elevation), np.cos(elevation)
    over = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    return torch.from_numpy(over @ around).float()


def _clip(vertices: Tensor, view: Tensor, shot: Shot, aspect: float) -> Tensor:
    """(V, 4): through a pinhole, the wanted part of the height filling the picture's."""
    low, high = vertices.amin(0), vertices.amax(0)
    size = high[1] - low[1]
    middle = (low + high) / 2
    middle[1] = low[1] + size * (shot.bottom + shot.top) / 2
    x, y, near = ((vertices - middle) @ view.T).unbind(1)
    depth = _DISTANCE - near
    zoom = 2 * _DISTANCE / (size * (shot.top - shot.bottom))
    return torch.stack([x * zoom / aspect, -y * zoom, depth * (depth / _DISTANCE - 1), depth], 1)


def _light(normals: Tensor) -> Tensor:
    """(V, 3): how much of its colour is seen of a surface. normals: (V, 3) in the camera's axes."""
    light = torch.tensor(_AMBIENT).expand(len(normals), 3)
    for towards, colour in ((_KEY, _KEY_LIGHT), (_FILL, _FILL_LIGHT)):
        facing = normals @ F.normalize(torch.tensor(towards), dim=0)
        light = light + facing.clamp(min=0)[:, None] * torch.tensor(colour)
    return light
