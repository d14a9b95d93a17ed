"""Photos of somebody, of nobody and of clothes alone, with what every pixel shows and where every joint is."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from model.clothes.buffers import Buffers
from model.clothes.cut import GarmentPlace
from model.synthetic.datasets.records import in_other_cloth, repainted
from model.synthetic.fabrics.garments import random_garment
from model.synthetic.people.keypoints import keypoints, with_visibility
from model.synthetic.scene.composition import flat_picture, levels, paint
from model.synthetic.scene.labels import atr_labels, densepose_labels, halved, lip_labels
from model.synthetic.scene.person import Person, random_person
from model.synthetic.scene.photos import Flat, Scene
from model.synthetic.scene.rooms import paint_room, random_room
from model.synthetic.scene.shots import Shot

PAINTINGS = 2  # of the same geometry, in other colours
_OF_TWENTY_EMPTY, _OF_TWENTY_FLAT = (0,), (1, 2)  # photos without anybody, and of clothes alone, by their last digits
_JOINTS = 18  # OpenPose's
_PLACES: tuple[GarmentPlace, ...] = get_args(GarmentPlace)

_FROM_ALL_SIDES = 0.6  # share of people who do not show themselves and their clothes as for a shop
# What part of somebody's height is in the picture; the last stands far away.
_FRAMES = ((-0.04, 1.08), (0.30, 1.06), (0.48, 1.06), (-0.04, 0.66), (0.15, 0.9), (-0.35, 1.35))
_SHADOWED = 0.35  # share of photos with somebody's shadow on the wall
_DARKEST = 0.45  # share of the light that a shadow takes at most
_WHITE_GROUND = 0.5  # share of clothes alone that lie on white


class LabelledPhoto(NamedTuple):
    """photo: (H, W, 3) uint8. labels: (3, H, W) uint8: DensePose, LIP, ATR. joints: (18, 3), see `ParsedPeople`."""

    photo: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    joints: NDArray[np.float32]


def labelled_photo(person: Person, width: int, height: int) -> LabelledPhoto:
    """One photo of somebody."""
    return _painted(Scene(person, width, height), person)


def labelled_photos(seed: int, number: int, width: int, height: int) -> list[LabelledPhoto]:
    """What a number stands for, `PAINTINGS` times: mostly somebody, now and then an empty room or clothes alone."""
    rng = np.random.default_rng([seed, number, 3])
    if number % 20 in _OF_TWENTY_EMPTY:
        return [_empty(rng, width, height) for _ in range(PAINTINGS)]
    place = _PLACES[number % len(_PLACES)]
    if number % 20 in _OF_TWENTY_FLAT:
        return _flat(rng, place, width, height)
    person = _anybody(rng, place)
    looks = [person, *(repainted(rng, person) for _ in range(PAINTINGS - 1))]
    scene = Scene(person, width, height)
    return [_shadowed(_painted(scene, look), rng) for look in looks]


def _anybody(rng: np.random.Generator, place: GarmentPlace) -> Person:
    person = random_person(rng, place)
    if rng.uniform() > _FROM_ALL_SIDES:
        return person
    bottom, top = _FRAMES[rng.integers(len(_FRAMES))]
    shot = Shot(
        azimuth=rng.uniform(-180, 180),
        elevation=rng.uniform(-3, 10),
        bottom=bottom + rng.uniform(-0.06, 0.06),
        top=top + rng.uniform(-0.03, 0.06),
        aside=rng.uniform(-0.2, 0.2),
    )
    return replace(person, shot=shot)


def _painted(scene: Scene, person: Person) -> LabelledPhoto:
    photo, _ = paint(scene.buffers, person.look, person.garments.values(), person.room, person.light)
    seen, lower = halved(scene.buffers), person.garments.get("lower")
    points = keypoints(scene.joints)
    pixels = scene.camera.pixels(points, scene.height, scene.width)
    joints = with_visibility(pixels, scene.camera.depths(points), seen.depths)
    labels = np.stack([densepose_labels(seen), lip_labels(seen, lower), atr_labels(seen, lower)])
    return LabelledPhoto(photo, labels, joints)


def _empty(rng: np.random.Generator, width: int, height: int) -> LabelledPhoto:
    feet = rng.uniform(0.7, 1.0) if rng.uniform() < 0.5 else None
    photo = levels(paint_room(random_room(rng), height, width, feet))
    return LabelledPhoto(photo, np.zeros((3, height, width), np.uint8), _nowhere())


def _flat(rng: np.random.Generator, place: GarmentPlace, width: int, height: int) -> list[LabelledPhoto]:
    """Clothes have a name, but there is no body in them."""
    garment = random_garment(rng, place)
    flat = Flat(garment, width, height)
    seen, lower = halved(flat.buffers), garment if place == "lower" else None
    names = [lip_labels(seen, lower), atr_labels(seen, lower)]
    labels = np.stack([np.zeros_like(names[0]), *names])
    cloths = [garment, *(in_other_cloth(rng, garment) for _ in range(PAINTINGS - 1))]
    return [LabelledPhoto(_on_some_ground(flat_picture(flat.buffers, cloth), flat.buffers, rng), labels, _nowhere())
            for cloth in cloths]  # fmt: skip


def _on_some_ground(photo: NDArray[np.uint8], buffers: Buffers, rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.uniform() < _WHITE_GROUND:
        return photo
    size = photo.shape[1], photo.shape[0]
    alpha = cv2.resize((buffers.layers > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    ground = rng.uniform(90, 250) * rng.uniform(0.9, 1.0, 3)
    return (photo * (alpha + (1 - alpha) * ground / 255)).clip(0, 255).astype(np.uint8)


def _shadowed(seen: LabelledPhoto, rng: np.random.Generator) -> LabelledPhoto:
    """With the person's own shadow on what is behind them, on some photos."""
    if rng.uniform() > _SHADOWED:
        return seen
    height, width = seen.photo.shape[:2]
    person = np.asarray(seen.labels.any(0), np.float32)
    aside, down = rng.uniform(-0.15, 0.15) * width, rng.uniform(-0.05, 0.05) * height
    moved = cv2.warpAffine(person, np.array([[1, 0, aside], [0, 1, down]]), (width, height))
    soft = cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.5, 6))
    shade = 1 - rng.uniform(0.1, _DARKEST) * np.asarray(soft) * (1 - person)
    return seen._replace(photo=(seen.photo * shade[..., None]).astype(np.uint8))


def _nowhere() -> NDArray[np.float32]:
    return np.zeros((_JOINTS, 3), np.float32)
