"""What the avatar engine is to find out about a person: six views of them in A pose, in colours and in normals."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from PIL import Image

from model.avatar.pose_images import HALF_HEIGHT
from model.body.a_pose import normalised, pose_a
from model.clothes.buffers import Buffers
from model.clothes.rendering import render
from model.clothes.surface import Floats
from model.clothes.wearing import dressed
from model.mesh.cameras import AZIMUTHS, rotations
from model.synthetic.people.people import Person
from model.synthetic.scene.brush import Values
from model.synthetic.scene.composition import levels, paint_person
from model.synthetic.scene.light import Light
from model.synthetic.scene.photos import body_model

_OVERSAMPLING = 2
_BEFORE = 2.0  # metres from the camera to the body's middle; nobody reaches so far
# From everywhere, a little more from above: no view knows better than another where light comes from.
EVEN_LIGHT = Light(
    (0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.72, 0.72, 0.72)
)


@dataclass(frozen=True)
class Orthographic:
    """One of the avatar's cameras. turn: (3, 3), world to camera, whose axes are right, up and towards the camera.
    centre: (3,) metres, seen in the picture's middle. zoom: half pictures a metre."""

    turn: Floats
    centre: Floats
    zoom: float

    def clip(self, points: Floats) -> Floats:
        """(N, 4): points of the world, (N, 3), in clip space."""
        right, up, near = self.zoom * ((points - self.centre) @ self.turn.T).T
        return np.stack([right, -up, -near, np.ones_like(near)], 1)

    def depths(self, points: Floats) -> Floats:
        """(N,) metres from the camera."""
        depths: Floats = _BEFORE - (points - self.centre) @ self.turn[2]
        return depths

    def pixels(self, points: Floats, size: int) -> Floats:
        """(N, 2): columns and rows where points of the world, (N, 3), are seen in pictures of `size`."""
        pixels: Floats = (self.clip(points)[:, :2] + 1) / np.float32(2) * np.float32(size)
        return pixels


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
    posed = pose_a(body_model(), torch.from_numpy(person.betas))
    garments = list(person.garments.values())
    surfaces = dressed(person.betas, garments, long_hair=person.look.long_hair)
    views, fine = cameras(person.betas), _OVERSAMPLING * size
    seen = [render(surfaces, posed.transforms.numpy(), camera, fine, fine) for camera in views]
    return APose(
        colours=[_straight(paint_person(buffers, person.look, garments, EVEN_LIGHT)) for buffers in seen],
        normals=[_normals(buffers, camera) for buffers, camera in zip(seen, views, strict=True)],
        cameras=views,
        joints=posed.joints.numpy(),
    )


def cameras(betas: Floats) -> list[Orthographic]:
    """The engine's six cameras around somebody of this shape, (10,)."""
    bare = pose_a(body_model(), torch.from_numpy(betas)).vertices
    _, centre, scale = normalised(bare, HALF_HEIGHT)
    return [Orthographic(turn, centre.numpy(), float(scale)) for turn in rotations(AZIMUTHS).numpy()]


def _normals(buffers: Buffers, camera: Orthographic) -> Image.Image:
    covered = (buffers.layers > 0).astype(np.float32)[..., None]
    size = buffers.layers.shape[0] // _OVERSAMPLING
    fine = np.concatenate([buffers.normals @ camera.turn, covered], 2)
    mean: Values = np.asarray(cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA))
    lengths = np.linalg.norm(mean[..., :3], axis=2, keepdims=True)
    unit = mean[..., :3] / np.maximum(lengths, 1e-6)
    alpha = mean[..., 3:]
    return _rgba((unit + 1) / 2 * (alpha > 0), alpha)


def _straight(premultiplied: Values) -> Image.Image:
    alpha = premultiplied[..., 3:]
    return _rgba(premultiplied[..., :3] / np.maximum(alpha, 1e-6), alpha)


def _rgba(colours: Values, alpha: Values) -> Image.Image:
    return Image.fromarray(levels(np.concatenate([colours, alpha], 2)), "RGBA")
