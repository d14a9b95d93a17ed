"""What the warping try-on learns from: made-up people in several garments each, with the true correspondence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from model.clothes.buffers import LAYERS
from model.clothes.cut import GarmentPlace
from model.perception.files import label_map_files
from model.perception.label_maps import LabelMaps
from model.perception.parsing import Parsing
from model.synthetic.datasets.layouts import CATEGORIES
from model.synthetic.datasets.records import PLACES, in_other_cloth, repainted
from model.synthetic.fabrics.garments import Garment, random_garment
from model.synthetic.scene.correspondence import Correspondence, bare_labels, correspondence
from model.synthetic.scene.person import Person, random_person
from model.synthetic.scene.photos import Flat, Scene
from model.synthetic.scene.picture import Picture
from model.train.kept_arrays import kept_arrays
from model.train.warp.shops import shop_garment, shop_pose
from model.tryon.automask import MaskLevels, agnostic_mask
from model.weights.pack import DEMO

SOURCES, TARGETS, PAINTINGS = 3, 2, 2  # see `People`: geometry takes most of the time, so each is used several times
_PART = 50  # people a folder
_TWO_PIECES = 0.65  # of those who are to wear a dress: how many come in a top and trousers or a skirt
_STREAM = 20_000  # beside other seeds, so that nobody here is in another data set

Size = tuple[int, int]  # width, height
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class People:
    """N people. Each was photographed in `SOURCES` outfits, of which the first `TARGETS` are also to be put on, and
    painted `PAINTINGS` times in other colours. H x W are all pictures'.

    photos: (N, paintings, sources, H, W, 3). flats: (N, paintings, targets, H, W, 3), on white.
    atr, densepose, masks: (N, sources, H, W), exact; masks are the agnostic ones. bare: (N, H, W), DensePose of the
    body without clothes. found_*: the same from the built-in label networks, of the first painting.
    alphas: (N, targets, H, W), of the flat pictures. flows: (N, targets, H, W, 2) float16, covers and shown:
    (N, targets, H, W), the correspondence. places: (N,), in the order of `PLACES`.
    """

    photos: Bytes
    flats: Bytes
    atr: Bytes
    densepose: Bytes
    masks: Bytes
    bare: Bytes
    found_atr: Bytes
    found_densepose: Bytes
    found_masks: Bytes
    alphas: Bytes
    flows: NDArray[np.float16]
    covers: Bytes
    shown: Bytes
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)


_NAMES = [field.name for field in fields(People)]


def kept_people(folder: Path, count: int, seed: int, size: Size, processes: int = 1) -> list[People]:
    """Those of `folder`, which are made there first as far as it lacks them: `_PART` at a time, memory-mapped."""
    folder = folder / f"{seed}-{size[0]}x{size[1]}"
    parts = kept_arrays(folder, count, _PART, partial(_made, seed=seed, size=size), processes)
    return [People(**{name: np.load(part / f"{name}.npy", mmap_mode="r") for name in _NAMES}) for part in parts]


def _made(numbers: range, seed: int, size: Size) -> dict[str, ArrayLike]:
    people = [somebody(seed, number, size) for number in numbers]
    return {name: np.stack([person[name] for person in people]) for name in _NAMES}


def somebody(seed: int, number: int, size: Size) -> dict[str, ArrayLike]:
    """One person's row of each array of `People`."""
    rng = np.random.default_rng([_STREAM, seed, number])
    place = list(PLACES)[rng.choice(len(PLACES), p=list(PLACES.values()))]
    wearers = _wearers(rng, random_person(rng, place), place)
    scenes = [Scene(wearer, *size) for wearer in wearers]
    clothes = [wearer.garments[place] for wearer in wearers[:TARGETS]]
    flats = [Flat(garment, *size, shop_pose(rng, garment)) for garment in clothes]
    truths = [correspondence(scene, flat, place) for scene, flat in zip(scenes, flats, strict=False)]
    paintings = [wearers, *(_repainted(rng, wearers, place) for _ in range(PAINTINGS - 1))]
    shots = [[scene.photo(one, {}) for scene, one in zip(scenes, painted, strict=True)] for painted in paintings]
    pictures = [
        [np.asarray(flat.photo(one.garments[place])) for flat, one in zip(flats, painted, strict=False)]
        for painted in paintings
    ]
    return {
        "photos": [[np.asarray(picture.photo) for picture in shot] for shot in shots],
        "flats": pictures,
        "bare": bare_labels(wearers[0], scenes[0])[0],
        "alphas": [flat_alpha(flat, place) for flat in flats],
        "places": list(PLACES).index(place),
        **_labels(shots[0], place),
        **_truth(truths),
    }


def _wearers(rng: np.random.Generator, person: Person, place: GarmentPlace) -> list[Person]:
    """The same person in other clothes of that place; a dress may also be put on over something else."""
    wearers = [person.wearing(shop_garment(rng, place)) for _ in range(SOURCES)]
    if place == "dress" and rng.uniform() < _TWO_PIECES:
        pieces: dict[GarmentPlace, Garment] = {
            "upper": random_garment(rng, "upper"),
            "lower": random_garment(rng, "lower"),
        }
        wearers[-1] = replace(person, garments=pieces)
    return wearers


def _repainted(rng: np.random.Generator, wearers: Sequence[Person], place: GarmentPlace) -> list[Person]:
    """All in other colours; what stays on when the garment of that place is changed is the same on all of them."""
    first = repainted(rng, wearers[0])
    kept = {other: garment for other, garment in first.garments.items() if other != place}

    def clothes(wearer: Person) -> dict[GarmentPlace, Garment]:
        return {other: kept.get(other) or in_other_cloth(rng, garment) for other, garment in wearer.garments.items()}

    return [first, *(replace(first, garments=clothes(wearer)) for wearer in wearers[1:])]


def _labels(pictures: Sequence[Picture], place: GarmentPlace) -> dict[str, ArrayLike]:
    exact = [LabelMaps(picture.densepose, picture.lip, picture.atr) for picture in pictures]
    found = [found_labels(picture.photo) for picture in pictures]
    named = {"": exact, "found_": found}
    return {
        f"{prefix}{name}": arrays
        for prefix, maps in named.items()
        for name, arrays in (
            ("atr", [one.atr for one in maps]),
            ("densepose", [one.densepose for one in maps]),
            ("masks", [mask_of(one, place) for one in maps]),
        )
    }


def mask_of(maps: LabelMaps, place: GarmentPlace) -> MaskLevels:
    """(H, W), 1 where a garment of that place is to be painted."""
    return agnostic_mask(maps, CATEGORIES[place])


def _truth(truths: Sequence[Correspondence]) -> dict[str, ArrayLike]:
    return {
        "flows": np.stack([truth.flow for truth in truths]).astype(np.float16),
        "covers": levels(np.stack([truth.cover for truth in truths])),
        "shown": levels(np.stack([truth.shown for truth in truths])),
    }


def levels(shares: NDArray[np.float32]) -> Bytes:
    """0..1 as bytes."""
    return (shares * 255 + 0.5).astype(np.uint8)


def flat_alpha(flat: Flat, place: GarmentPlace) -> Bytes:
    """(H, W) bytes: how much of each pixel of the flat picture is garment."""
    alpha = (flat.buffers.layers == LAYERS[place]).astype(np.float32)
    size = alpha.shape[1] // 2, alpha.shape[0] // 2
    return levels(np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32))


@cache
def _networks() -> list[Parsing]:
    return [Parsing(file, classes) for file, classes in label_map_files(DEMO).items()]


def found_labels(photo: Image.Image) -> LabelMaps:
    """What the built-in networks see in a photo."""
    return LabelMaps(*(network.labels(photo) for network in _networks()))
