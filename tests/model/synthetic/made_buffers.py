"""Buffers of the committed body, dressed by its places on the template."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.body.a_pose import pose_a
from model.body.joints import JOINTS
from model.body.smplx import Posed, read_body
from model.clothes.arrays import Values
from model.clothes.buffers import LAYERS, BodyLayer, Buffers
from model.clothes.outlines import bodice_depth, skirt_depth, trousers_depth
from model.engines.up2you.files import BODY
from model.mesh.normals import vertex_normals
from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import interpolate
from model.synthetic.fabrics.garments import Garment
from model.weights.pack import DEMO

DISTANCE, METRES_HIGH = 3.0, 1.9
BODY_MODEL = read_body(DEMO / BODY)


@cache
def posed() -> Posed:
    return pose_a(BODY_MODEL, torch.zeros(10))


@cache
def naked(height: int = 256, width: int = 192, behind: bool = False) -> Buffers:
    """Seen without perspective from in front or behind, the whole body."""
    turn = torch.tensor([-1.0, 1.0, -1.0]) if behind else torch.ones(3)
    mesh = posed()
    clip = on_screen(mesh.vertices * turn, width / height)
    fragments = Torch().rasterise(clip[None], BODY_MODEL.faces, height, width)
    owners = BODY_MODEL.weights.argmax(1)
    eyeballs = torch.isin(owners, torch.tensor([JOINTS.index(f"{s}_eye_smplhf") for s in ("left", "right")]))
    normals = vertex_normals(mesh.vertices, BODY_MODEL.faces) * turn
    values = [BODY_MODEL.template, normals, DISTANCE - (mesh.vertices * turn)[:, 2:], eyeballs[:, None].float()]
    planes = interpolate(torch.cat(values, 1), BODY_MODEL.faces, fragments)[0].numpy()
    faces = fragments.faces[0]
    seen = (faces >= 0).numpy()
    y = planes[..., 1]
    layers = np.select(
        [~seen, planes[..., 7] > 0.5, y > 0.74, y < -0.8],
        [BodyLayer.NOTHING, BodyLayer.EYES, BodyLayer.HAIR, BodyLayer.SHOES],
        BodyLayer.SKIN,
    )
    joints = owners[BODY_MODEL.faces[faces.clamp(min=0), 0]].numpy() * seen
    occlusion = seen.astype(np.float32)
    places, normals_seen, depths = (np.ascontiguousarray(planes[..., part]) for part in (np.s_[:3], np.s_[3:6], 6))
    return Buffers(layers.astype(np.uint8), places, normals_seen, depths, joints.astype(np.uint8), occlusion)


def on_screen(points: Tensor, aspect: float) -> Tensor:
    """(N, 4) in clip space."""
    x, y, z = (points * 2 / METRES_HIGH).unbind(1)
    return torch.stack([x / aspect, -y, -z / 2, torch.ones_like(x)], 1)


def depth(garment: Garment, places: Values) -> Values:
    """(N,) metres inside a garment's outline."""
    if garment.kind == "trousers":
        return trousers_depth(garment, places)
    below, above = skirt_depth(garment, places), bodice_depth(garment, places)
    return {"lower": below, "upper": above, "dress": np.maximum(below, above)}[garment.place]


def dressed(buffers: Buffers, garments: Sequence[Garment]) -> Buffers:
    layers: NDArray[np.uint8] = buffers.layers.copy()
    for garment in garments:
        worn = depth(garment, buffers.places.reshape(-1, 3)).reshape(layers.shape) > 0
        layers[worn & np.isin(layers, [BodyLayer.SKIN, BodyLayer.LOWER])] = LAYERS[garment.place]
    return Buffers(layers, *list(vars(buffers).values())[1:])
