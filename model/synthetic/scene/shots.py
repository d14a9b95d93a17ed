"""Where the camera stands and what part of somebody is in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.clothes.arrays import Floats

_DISTANCE = 3.2  # metres from the camera to the middle of what it shows


@dataclass(frozen=True)
class Shot:
    """azimuth: degrees, 0 in front, 90 on the person's left. elevation: degrees. bottom, top: what part of the height
    is in the picture, 0 at the soles, 1 at the crown. aside: how far the person stands from the middle, in widths."""

    azimuth: float = 0.0
    elevation: float = 3.0
    bottom: float = -0.04
    top: float = 1.05
    aside: float = 0.0


@dataclass(frozen=True)
class Pinhole:
    """A pinhole. turn: (3, 3), world to camera, whose axes are right, up and towards the camera. middle: (3,), the
    point it looks at. zoom: pictures' half heights a metre, at the middle."""

    turn: Floats
    middle: Floats
    zoom: float
    aspect: float

    def clip(self, points: Floats) -> Floats:
        """(N, 4): points of the world, (N, 3), in clip space; the last number is their depth in metres."""
        x, y, near = ((points - self.middle) @ self.turn.T).T
        depth = _DISTANCE - near
        zoom = self.zoom * _DISTANCE
        clip = np.stack([x * zoom / self.aspect, -y * zoom, depth * (depth / _DISTANCE - 1), depth], 1)
        return clip.astype(np.float32)

    def depths(self, points: Floats) -> Floats:
        """(N,) metres from the camera, along its axis."""
        depths: Floats = (_DISTANCE - (points - self.middle) @ self.turn[2]).astype(np.float32)
        return depths

    def pixels(self, points: Floats, height: int, width: int) -> Floats:
        """(N, 2): columns and rows where points of the world, (N, 3), are seen."""
        clip = self.clip(points)
        pixels: Floats = ((clip[:, :2] / clip[:, 3:] + 1) / 2 * np.array([width, height])).astype(np.float32)
        return pixels


def aim(shot: Shot, soles: float, crown: float, ground: Floats, aspect: float) -> Pinhole:
    """The camera of a shot of somebody. soles, crown: heights in metres; ground: (2,), x and z of the body's middle;
    aspect: width by height of the picture."""
    size = (crown - soles) * (shot.top - shot.bottom)
    height = soles + (crown - soles) * (shot.bottom + shot.top) / 2
    turn = _turn(*np.radians([shot.azimuth, shot.elevation]))
    middle = np.array([ground[0], height, ground[1]], np.float32) - turn[0] * np.float32(shot.aside * size * aspect)
    return Pinhole(turn, middle, 2 / size, aspect)


def fit(points: Floats, aspect: float, margin: float = 0.06) -> Pinhole:
    """From the front, at eye level, so that all points, (N, 3), are in a picture of this aspect, with a margin."""
    low, high = points.min(0), points.max(0)
    across, up, _ = high - low
    size = max(up, across / aspect) / (1 - 2 * margin)
    return Pinhole(np.eye(3, dtype=np.float32), (low + high) / 2, 2 / size, aspect)


def random_shot(rng: np.random.Generator, bottom: float, top: float) -> Shot:
    """From the front, from three quarters or from the side, and `bottom` to `top` give or take a little."""
    kind = rng.choice(3, p=[0.6, 0.28, 0.12])
    side = rng.choice([-1, 1])
    azimuth = (rng.uniform(-14, 14), side * rng.uniform(18, 55), side * rng.uniform(60, 88))[kind]
    return Shot(
        azimuth=float(azimuth),
        elevation=float(rng.uniform(-1, 8)),
        bottom=bottom + float(rng.uniform(-0.03, 0.03)),
        top=top + float(rng.uniform(-0.01, 0.04)),
        aside=float(rng.uniform(-0.06, 0.06)),
    )


def _turn(azimuth: float, elevation: float) -> Floats:
    sine, cosine = np.sin(azimuth), np.cos(azimuth)
    around = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    sine, cosine = np.sin(elevation), np.cos(elevation)
    over = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    turn: Floats = (over @ around).astype(np.float32)
    return turn
