"""Where in its flat picture each pixel of a worn garment lies: the truth that warping is taught with.

Cuts depend on the template alone, so vertex i of a garment on somebody is vertex i of the same garment on the table.
Each carries its place in the flat picture, and the renderer interpolates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.clothes.arrays import Floats
from model.clothes.buffers import LAYERS, Buffers
from model.clothes.cut import GarmentPlace
from model.clothes.surface import SkinnedSurface
from model.clothes.wearing import dressed
from model.synthetic.people.body import wardrobe
from model.synthetic.scene.labels import Labels, atr_labels, densepose_labels, halved, lip_labels
from model.synthetic.scene.person import Person
from model.synthetic.scene.photos import Flat, Scene, rendered

_CLOTH_THICKNESS = 0.02  # metres: what lies less deep than this below the flat picture's surface is that surface


@dataclass(frozen=True)
class Correspondence:
    """Of one garment in one photo, (H, W).

    flow: (H, W, 2) float32, x and y in the flat picture, whose borders are -1 and 1; the mean over the pixel's cloth.
    cover: float32, 0..1, how much of the pixel the garment covers.
    shown: float32, 0..1, how much of that cloth the flat picture shows. Of the rest, backs mostly, it shows what lies
        above; without a hole the same fabric.
    """

    flow: NDArray[np.float32]
    cover: NDArray[np.float32]
    shown: NDArray[np.float32]


def correspondence(scene: Scene, flat: Flat, place: GarmentPlace) -> Correspondence:
    """Of the garment of that place in a scene; `flat` is of the same cut."""
    layer = LAYERS[place]
    on_table = iter(_flat_places(flat))
    surfaces = [
        replace(surface, places=next(on_table) if surface.layer == layer else np.zeros_like(surface.places))
        for surface in scene.surfaces
    ]
    buffers = rendered(surfaces, scene.posed, scene.camera, scene.width, scene.height)
    region = buffers.layers == layer
    shown = region & _on_top(buffers.places, flat.buffers)
    area = _means(region[..., None])[..., 0]
    per_cloth = np.maximum(area, np.float32(1e-6))
    flow = _means(buffers.places[..., :2] * region[..., None]) / per_cloth[..., None]
    visible = _means(shown[..., None])[..., 0] / per_cloth
    return Correspondence(flow.astype(np.float32), area, visible.astype(np.float32))


def bare_labels(person: Person, scene: Scene) -> tuple[Labels, Labels, Labels]:
    """DensePose, LIP and ATR labels, (H, W) each, of the same body without clothes (shoes and hair stay)."""
    surfaces = dressed(wardrobe(), person.betas, [], long_hair=person.look.long_hair)
    seen = halved(rendered(surfaces, scene.posed, scene.camera, scene.width, scene.height))
    return densepose_labels(seen), lip_labels(seen, None), atr_labels(seen, None)


def _flat_places(flat: Flat) -> Sequence[Floats]:
    """Of each surface (V, 3): x and y in the flat picture, -1..1, and the depth before its camera."""
    return [_seen_from(flat, surface) for surface in flat.surfaces]


def _seen_from(flat: Flat, surface: SkinnedSurface) -> Floats:
    points = surface.posed(flat.posed.transforms.numpy())
    clip = flat.camera.clip(points)
    return np.column_stack([clip[:, :2] / clip[:, 3:], flat.camera.depths(points)]).astype(np.float32)


def _on_top(places: Floats, flat: Buffers) -> NDArray[np.bool_]:
    """(H, W): whether the flat picture shows these places, (H, W, 3)."""
    height, width = flat.depths.shape
    columns = ((places[..., 0] + 1) / 2 * width).astype(int).clip(0, width - 1)
    rows = ((places[..., 1] + 1) / 2 * height).astype(int).clip(0, height - 1)
    top = flat.depths[rows, columns]
    beside = top == 0  # the outline
    return np.asarray(beside | (places[..., 2] <= top + _CLOTH_THICKNESS))


def _means(plane: NDArray[np.generic]) -> NDArray[np.float32]:
    """(H, W, C) from (2 H, 2 W, C)."""
    height, width, channels = plane.shape
    cells = plane.astype(np.float32).reshape(height // 2, 2, width // 2, 2, channels)
    return np.asarray(cells.mean((1, 3)), np.float32)
