"""What a draping network learns from: points of made-up people's bodies, and of the clothes they wear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from model.clothes.arrays import Floats
from model.clothes.cut import Cut, GarmentPlace
from model.clothes.poses import JointTurns, axis_angles
from model.clothes.wearing import worn
from model.engines.pointcloth.body import clothed_vertices, spread_samples
from model.engines.pointcloth.body_points import BodyPoints, Indices, body_points
from model.synthetic.fabrics.garments import random_garment
from model.synthetic.people.body import body_model, wardrobe
from model.synthetic.people.poses import random_pose

POINTS = 4096  # half as many as an outfit has when it is worn, which a training step costs half of
_STREAM = 30_000  # beside other seeds, so that nobody here is in another data set
_WORN: tuple[tuple[tuple[GarmentPlace, ...], float], ...] = (  # what is worn together, and the share of outfits
    (("upper",), 0.35),
    (("lower",), 0.2),
    (("dress",), 0.2),
    (("upper", "lower"), 0.25),
)
_WORDS = {"tshirt": "t-shirt", "long_sleeve": "long sleeve", "tank_top": "tank top"}
_SHAPES, _SHAPE_SPREAD, _SHAPE_LIMIT = 10, 0.8, 1.6  # of betas, as other made-up people have them


@dataclass(frozen=True)
class Clouds:
    """S pairs. bodies, clothes: (S, 4096, 3) float16, metres, in the upright frame. outfits: (S,), whose code it is."""

    bodies: NDArray[np.float16]
    clothes: NDArray[np.float16]
    outfits: Indices


@cache
def samples() -> tuple[NDArray[np.bool_], Indices]:
    """Where clothes can lie on the built-in body, and the vertices taken of it."""
    clothed = clothed_vertices(body_model())
    return clothed, spread_samples(body_model(), clothed, POINTS)


@cache
def points_of_body() -> BodyPoints:
    """The points of the built-in body that clothes are draped from; worked out once."""
    clothed, taken = samples()
    return body_points(body_model().faces.numpy(), clothed, taken)


def random_outfit(rng: np.random.Generator) -> tuple[Cut, ...]:
    """A garment, or a top and what is worn below it."""
    places = _WORN[rng.choice(len(_WORN), p=[share for _, share in _WORN])][0]
    return tuple(random_garment(rng, place) for place in places)


def random_betas(rng: np.random.Generator) -> Floats:
    """A body's shape, (10,), about as varied as people are."""
    return (_SHAPE_SPREAD * rng.normal(size=_SHAPES)).clip(-_SHAPE_LIMIT, _SHAPE_LIMIT).astype(np.float32)


def worn_by(cuts: Sequence[Cut], betas: Floats, pose: JointTurns, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """A body's vertices, (V, 3), and points of its clothes, (4096, 3), spread evenly."""
    posed = body_model().posed(torch.from_numpy(betas), torch.from_numpy(axis_angles(pose)))
    transforms = posed.transforms.numpy()
    surfaces = [surface for cut in cuts for surface in worn(wardrobe(), cut, betas, cuts)]
    triangles = np.concatenate([surface.posed(transforms)[surface.faces] for surface in surfaces])
    return posed.vertices.numpy(), spread_over(triangles, POINTS, rng)


def spread_over(triangles: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Points of triangles, (F, 3, 3): (count, 3)."""
    a, b, c = triangles.transpose(1, 0, 2)
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1).cumsum()
    places = (np.arange(count) + rng.uniform(size=count)) / count * areas[-1]
    chosen = np.minimum(np.searchsorted(areas, places), len(areas) - 1)
    u, v = rng.uniform(size=(2, count, 1))
    root = np.sqrt(u)
    points: Floats = (1 - root) * a[chosen] + root * (1 - v) * b[chosen] + root * v * c[chosen]
    return points.astype(np.float32)


def kept_clouds(folder: Path, outfits: int, bodies: int, seed: int) -> Clouds:
    """Those of a folder, which are made there first if it lacks them."""
    file = folder / f"{seed}-{outfits}x{bodies}.npz"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        made = _made(outfits, bodies, seed)
        partial = file.with_suffix(".partial.npz")
        np.savez(partial, bodies=made.bodies, clothes=made.clothes, outfits=made.outfits)
        partial.rename(file)
    with np.load(file) as arrays:
        return Clouds(arrays["bodies"], arrays["clothes"], arrays["outfits"])


def kinds_worn(outfits: int, seed: int) -> list[str]:
    """What each of the outfits consists of, in the words of requests: "t-shirt and skirt"."""
    return [
        " and ".join(_WORDS.get(cut.kind, cut.kind) for cut in random_outfit(_drawn(seed, number)))
        for number in range(outfits)
    ]


def _drawn(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([_STREAM, seed, number])


def _made(outfits: int, bodies: int, seed: int) -> Clouds:
    pairs, of_outfit = [], np.repeat(np.arange(outfits), bodies)
    for number in tqdm(range(outfits), desc="clouds", disable=None):
        rng = _drawn(seed, number)
        cuts = random_outfit(rng)
        pairs += [worn_by(cuts, random_betas(rng), random_pose(rng), rng) for _ in range(bodies)]
    bodies_points = np.stack([points_of_body().of(vertices) for vertices, _ in pairs])
    return Clouds(
        bodies_points.astype(np.float16), np.stack([cloth for _, cloth in pairs]).astype(np.float16), of_outfit
    )
