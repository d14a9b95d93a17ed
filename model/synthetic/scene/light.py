"""Light on surfaces: a key, a fill and the sky.

A square and a square root stand in for the sRGB curve: at most 3 % off, and many times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.clothes.arrays import Values

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """Directions as the camera sees them (right, up, towards the camera), intensities linear, per channel."""

    towards_key: Vector
    key: Vector
    towards_fill: Vector
    fill: Vector
    sky: Vector
    ground: Vector


def random_light(rng: np.random.Generator) -> Light:
    """From above and one side, neither hard nor dim: warm or cool by a few percent."""
    side = rng.choice([-1.0, 1.0])
    key = _unit((side * rng.uniform(0.2, 0.8), rng.uniform(0.35, 0.8), rng.uniform(0.6, 1.0)))
    fill = _unit((-side * rng.uniform(0.5, 1.0), rng.uniform(-0.1, 0.3), rng.uniform(0.4, 0.8)))
    warmth = rng.normal(0, 0.04)
    strength = rng.uniform(0.42, 0.66)
    sky = 0.98 - strength - rng.uniform(0.14, 0.22)
    return Light(
        key,
        _tinted(strength, warmth),
        fill,
        _tinted(rng.uniform(0.10, 0.18), -warmth),
        _tinted(sky + 0.16, -0.5 * warmth),
        _tinted(sky, 0.5 * warmth),
    )


def lit(colours: Values, normals: Values, occlusion: Values, light: Light, wrap: Values | float = 0.0) -> Values:
    """Linear light, (N, 3), from surfaces of sRGB `colours`, (N, 3): see `display`.

    Args:
        normals: (N, 3) unit vectors in the camera's axes.
        occlusion: (N,) how much of the sky a surface sees.
        wrap: how far light reaches around a surface, 0..1: skin lets some through.
    """
    above = np.float32(0.5) + np.float32(0.5) * normals[:, 1]
    sky, ground = (np.asarray(each, np.float32)[:, None] for each in (light.sky, light.ground))
    falling = occlusion * (ground + above * (sky - ground))  # (3, N)
    soft = np.float32(0.5) + np.float32(0.5) * occlusion  # what hides the sky hides some of the lamps
    for towards, intensity in ((light.towards_key, light.key), (light.towards_fill, light.fill)):
        facing = np.maximum((normals @ np.asarray(towards, np.float32) + wrap) / (1 + wrap), 0)
        falling += facing * soft * np.asarray(intensity, np.float32)[:, None]
    by_channel = colours.T
    return np.asarray(by_channel * by_channel * falling).T


def display(linear: Values) -> Values:
    """sRGB 0..1 of linear light, (..., 3)."""
    return np.asarray(np.sqrt(np.clip(linear, 0, 1)))


def _tinted(strength: float, warmth: float) -> Vector:
    return strength * (1 + warmth), strength, strength * (1 - warmth)


def _unit(vector: Vector) -> Vector:
    x, y, z = np.asarray(vector) / np.linalg.norm(vector)
    return float(x), float(y), float(z)
