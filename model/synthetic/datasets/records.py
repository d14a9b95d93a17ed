"""Examples for data sets: somebody in two garments of one kind, painted as often as wanted. Deterministic by seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context

import numpy as np

from model.clothes.cut import GarmentPlace
from model.synthetic.datasets.layouts import Record
from model.synthetic.fabrics.garments import Garment, random_garment
from model.synthetic.people.looks import random_look
from model.synthetic.scene.correspondence import bare_labels, correspondence
from model.synthetic.scene.light import random_light
from model.synthetic.scene.person import Person, random_person
from model.synthetic.scene.photos import Flat, Scene
from model.synthetic.scene.rooms import random_room

Size = tuple[int, int]  # width, height

PLACES: Mapping[GarmentPlace, float] = {"upper": 0.5, "lower": 0.27, "dress": 0.23}  # and how often they come
_CHUNK = 4  # people handed to a process at once


def records(
    count: int,
    size: Size,
    seed: int,
    places: Mapping[GarmentPlace, float],
    paintings: int = 1,
    processes: int = 1,
    *,
    flow: bool = False,
) -> Iterator[Record]:
    """`count` examples, in an order that follows from the seed alone. Two at a time show one person in two garments.

    Args:
        places: which kinds of garments, and how often each comes; the shares sum to 1.
        paintings: how often a person's geometry is painted, each time in other colours, fabrics, room and light.
        processes: that compute side by side.
        flow: also tell where in its flat picture each pixel of a garment lies, and label the body without clothes.
    """
    people = range(-(-count // (2 * paintings)))
    of_person = partial(_records_of, size=size, seed=seed, places=places, paintings=paintings, flow=flow)
    if processes == 1:
        yield from islice(chain.from_iterable(map(of_person, people)), count)
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        yield from islice(chain.from_iterable(pool.map(of_person, people, chunksize=_CHUNK)), count)


def _records_of(
    number: int, size: Size, seed: int, places: Mapping[GarmentPlace, float], paintings: int, *, flow: bool
) -> list[Record]:
    rng = np.random.default_rng([seed, number])
    place = list(places)[rng.choice(len(places), p=list(places.values()))]
    person = random_person(rng, place)
    cuts = [person.garments[place], random_garment(rng, place)]
    scenes = [Scene(person.wearing(cut), *size) for cut in cuts]
    flats = [Flat(cut, *size) for cut in cuts]
    worn = [correspondence(scene, flat, place) for scene, flat in zip(scenes, flats, strict=True)] if flow else None
    bare = bare_labels(person, scenes[0])[0] if flow else None
    made: list[Record] = []
    for painting in range(paintings):
        other = repainted(rng, person) if painting else person
        pictures = []
        for cut, scene, flat in zip(cuts, scenes, flats, strict=True):
            garment = in_other_cloth(rng, cut) if painting else cut
            pictures.append(scene.photo(other.wearing(garment), {place: flat.photo(garment)}))
        for i, picture in enumerate(pictures):
            stem = f"{(number * paintings + painting) * 2 + i:06d}"
            truth = None if worn is None else worn[i]
            made.append(Record(stem, picture, place, other=pictures[1 - i].photo, worn=truth, bare=bare))
    return made


def repainted(rng: np.random.Generator, person: Person) -> Person:
    """The same geometry; everything that is only colour is another."""
    return replace(
        person,
        look=replace(random_look(rng), long_hair=person.look.long_hair),
        garments={place: in_other_cloth(rng, garment) for place, garment in person.garments.items()},
        room=random_room(rng),
        light=random_light(rng),
    )


def in_other_cloth(rng: np.random.Generator, garment: Garment) -> Garment:
    """The same cut of another fabric."""
    other = random_garment(rng, garment.place)
    return replace(garment, fabric=other.fabric, trim=other.trim)
