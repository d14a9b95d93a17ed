"""A dressed body in A pose and the orthographic cameras around it, as avatar engines see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from model.body.a_pose import pose_a
from model.body.smplx import BodyModel, Posed
from model.clothes.arrays import Floats, Values
from model.clothes.buffers import Buffers
from model.clothes.rendering import render
from model.clothes.surface import SkinnedSurface
from model.mesh.cameras import AZIMUTHS, rotations
from model.mesh.placement import normalised

_BEFORE = 2.0  # metres from the camera to the body's middle; nobody reaches so far


@dataclass(frozen=True)
class Orthographic:
    """A camera without perspective. turn: (3, 3), world to camera, whose axes are right, up and towards the camera.
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
class APoseBuffers:
    """Six square views in the order of `AZIMUTHS`, and how the bare body stands in them."""

    posed: Posed
    cameras: list[Orthographic]
    views: list[Buffers]


def a_pose_buffers(
    body: BodyModel, betas: Floats, surfaces: Sequence[SkinnedSurface], size: int, half_height: float
) -> APoseBuffers:
    """What is seen of somebody of this shape, (10,).

    Args:
        surfaces: of the dressed body in T pose.
        size: of the pictures, pixels.
        half_height: of the bare body in pictures whose own is 1.
    """
    posed = pose_a(body, torch.from_numpy(betas))
    cameras = cameras_around(posed, half_height)
    views = [render(surfaces, posed.transforms.numpy(), camera, size, size) for camera in cameras]
    return APoseBuffers(posed, cameras, views)


def cameras_around(posed: Posed, half_height: float) -> list[Orthographic]:
    """The cameras at `AZIMUTHS` around a bare body."""
    _, centre, scale = normalised(posed.vertices, half_height)
    return [Orthographic(turn, centre.numpy(), float(scale)) for turn in rotations(AZIMUTHS).numpy()]


def world_normals(buffers: Buffers, camera: Orthographic, size: int) -> tuple[Floats, Floats]:
    """Means over a view's pixels in a smaller picture: unit normals in the world's axes, (size, size, 3), and how much
    of each pixel the body covers, (size, size, 1)."""
    covered = (buffers.layers > 0).astype(np.float32)[..., None]
    fine = np.concatenate([buffers.normals @ camera.turn, covered], 2)
    mean: Values = np.asarray(cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA))
    lengths = np.linalg.norm(mean[..., :3], axis=2, keepdims=True)
    return mean[..., :3] / np.maximum(lengths, 1e-6), mean[..., 3:]
