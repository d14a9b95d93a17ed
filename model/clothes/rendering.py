"""From surfaces and a camera to `Buffers`: what is seen at each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from model.clothes.arrays import Floats, Indices
from model.clothes.buffers import BodyLayer, Buffers
from model.clothes.surface import SkinnedSurface, vertex_normals
from model.mesh.rasterise_torch import Torch

Number = TypeVar("Number", bound=np.generic)

_REACH = 0.05  # metres within which a neighbour takes light away
_DEEPEST = 0.45  # how much of it at most
_FINEST_BLUR = 4.0  # pixels


class Camera(Protocol):
    """Of any projection. turn: (3, 3), world to camera, whose axes are right, up and towards the camera. zoom:
    pictures' half heights a metre."""

    @property
    def turn(self) -> Floats: ...
    @property
    def zoom(self) -> float: ...

    def clip(self, points: Floats) -> Floats:
        """(N, 4): points of the world, (N, 3), in clip space."""

    def depths(self, points: Floats) -> Floats:
        """(N,) metres from the camera, positive."""


def render(surfaces: Sequence[SkinnedSurface], transforms: Floats, camera: Camera, height: int, width: int) -> Buffers:
    """The nearest of all surfaces at each pixel. transforms: (55, 4, 4), what each joint does to a point in T pose."""
    posed = [surface.posed(transforms) for surface in surfaces]
    normals = np.concatenate([vertex_normals(v, s.faces) for v, s in zip(posed, surfaces, strict=True)])
    starts = np.cumsum([0] + [len(v) for v in posed])
    faces = np.concatenate([s.faces + start for s, start in zip(surfaces, starts[:-1], strict=True)])
    points = np.concatenate(posed)
    clip = camera.clip(points)
    layers = np.repeat([surface.layer for surface in surfaces], [len(surface.faces) for surface in surfaces])
    towards = (layers != BodyLayer.SKIN) | _facing(clip, faces)  # of skin, nobody sees the inside
    faces, layers = faces[towards], layers[towards]
    fragments = Torch().rasterise(torch.from_numpy(clip)[None], torch.from_numpy(faces), height, width)
    seen = fragments.faces[0].numpy()
    rows, columns = np.nonzero(seen >= 0)
    triangles = seen[rows, columns]
    corners = faces[triangles]  # (P, 3)
    weights = fragments.barycentric[0].numpy()[rows, columns] / clip[corners, 3]  # as a pinhole sees them
    weights /= weights.sum(1, keepdims=True)

    places = np.concatenate([surface.places for surface in surfaces])
    attributes = np.concatenate([places, normals @ camera.turn.T, camera.depths(points)[:, None]], 1)  # (V, 7)
    values = np.einsum("pc,pck->pk", weights, attributes[corners])
    values[:, 3:6] /= np.maximum(np.linalg.norm(values[:, 3:6], axis=1, keepdims=True), 1e-6)
    movers = np.concatenate([surface.weights.argmax(1) for surface in surfaces])
    nearest = corners[np.arange(len(corners)), weights.argmax(1)]

    seen_at = Pixels(rows, columns, height, width)
    depths = seen_at.plane(values[:, 6].astype(np.float32))
    return Buffers(
        layers=seen_at.plane(layers[triangles].astype(np.uint8)),
        places=seen_at.plane(values[:, :3].astype(np.float32)),
        normals=seen_at.plane(values[:, 3:6].astype(np.float32)),
        depths=depths,
        joints=seen_at.plane(movers[nearest].astype(np.uint8)),
        occlusion=_occlusion(depths, camera, height),
    )


@dataclass(frozen=True)
class Pixels:
    """Where something is seen in a picture of this size. rows, columns: (P,)."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    height: int
    width: int

    def plane(self, values: NDArray[Number]) -> NDArray[Number]:
        """(P, ...) spread over the picture, (H, W, ...), zero elsewhere."""
        filled = np.zeros((self.height, self.width, *values.shape[1:]), values.dtype)
        filled[self.rows, self.columns] = values
        return filled


def _facing(clip: Floats, faces: Indices) -> NDArray[np.bool_]:
    """(F,): which triangles turn their outside to the camera; rows of the picture run downwards."""
    points = clip[:, :2] / clip[:, 3:]
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    ab, ac = b - a, c - a
    turn: NDArray[np.bool_] = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0] < 0
    return turn


def _occlusion(depths: Floats, camera: Camera, height: int) -> Floats:
    """Darker where something near and around stands closer to the camera: under chins and arms, inside sleeves."""
    somebody = depths > 0
    behind = np.where(somebody, depths, depths.max(initial=1.0) + 1)
    radius = max(1.0, _REACH * camera.zoom * height / 2 / 2)
    around = _blurred(np.minimum(behind, behind.min() + 2.0), radius)
    # Where the wall shines in from the side the mean lies behind, and nothing is dark.
    buried = np.clip((behind - around) / _REACH, 0, 1)
    return np.where(somebody, 1 - _DEEPEST * buried, 0).astype(np.float32)


def _blurred(plane: Floats, radius: float) -> Floats:
    """A Gaussian mean, (H, W), of `radius` pixels; wide ones are taken of a smaller picture, which is as smooth."""
    height, width = plane.shape
    shrunk = max(1, int(radius / _FINEST_BLUR))
    size = max(1, width // shrunk), max(1, height // shrunk)
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA) if shrunk > 1 else plane
    mean = cv2.GaussianBlur(small, (0, 0), radius / shrunk)
    return np.asarray(cv2.resize(mean, (width, height)) if shrunk > 1 else mean)
