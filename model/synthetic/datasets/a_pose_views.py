"""Six views of a person in A pose, in colours and in normals: what an avatar engine is to infer from photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from model.avatar.pose_images import HALF_HEIGHT
from model.clothes.a_pose import Orthographic, a_pose_buffers, world_normals
from model.clothes.arrays import Floats, Values
from model.clothes.buffers import Buffers
from model.clothes.wearing import dressed
from model.synthetic.people.body import body_model, wardrobe
from model.synthetic.scene.composition import levels, paint_person
from model.synthetic.scene.light import Light
from model.synthetic.scene.person import Person

_OVERSAMPLING = 2  # pixels each way of which one is the mean, for smooth outlines
# From everywhere, a little more from above: no view knows better than another where light comes from.
EVEN_LIGHT = Light(
    (0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.72, 0.72, 0.72)
)


@dataclass(frozen=True)
class APose:
    """A person in A pose, the views in the order of `AZIMUTHS`.

    colours: RGBA, evenly lit, alpha the true outline.
    normals: RGBA, (n + 1) / 2 of unit normals n of the world's axes in all views, as the engine's are.
    joints: (55, 3) metres, of the bare body as the body model places it.
    """

    colours: list[Image.Image]
    normals: list[Image.Image]
    cameras: list[Orthographic]
    joints: Floats


def a_pose_views(person: Person, size: int) -> APose:
    """Six pairs of pictures, size x size, in which the bare body is where the engine's pictures of it have it."""
    garments = list(person.garments.values())
    surfaces = dressed(wardrobe(), person.betas, garments, long_hair=person.look.long_hair)
    seen = a_pose_buffers(body_model(), person.betas, surfaces, _OVERSAMPLING * size, HALF_HEIGHT)
    return APose(
        colours=[_straight(paint_person(buffers, person.look, garments, EVEN_LIGHT)) for buffers in seen.views],
        normals=[_normals(*view, size) for view in zip(seen.views, seen.cameras, strict=True)],
        cameras=seen.cameras,
        joints=seen.posed.joints.numpy(),
    )


def _normals(buffers: Buffers, camera: Orthographic, size: int) -> Image.Image:
    normals, alpha = world_normals(buffers, camera, size)
    return _rgba((normals + 1) / 2 * (alpha > 0), alpha)


def _straight(premultiplied: Values) -> Image.Image:
    alpha = premultiplied[..., 3:]
    return _rgba(premultiplied[..., :3] / np.maximum(alpha, 1e-6), alpha)


def _rgba(colours: Values, alpha: Values) -> Image.Image:
    return Image.fromarray(levels(np.concatenate([colours, alpha], 2)), "RGBA")
