"""How well the networks' files label people, and how much their masks are those of the true labels."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image

from model.perception.files import label_map_files
from model.perception.label_maps import LabelMaps
from model.perception.overlap import LabelCounts, mask_iou
from model.perception.parsing import Parsing
from model.train.parsing.people import MAPS, ParsedPeople
from model.tryon.automask import agnostic_mask
from model.tryon.request import Category


@dataclass
class LabelScores:
    """maps: mean IoU of each label map, over the classes that occur. masks: mean IoU of each category's masks, over
    the people who have one. milliseconds: of the three networks for a picture, reading and writing it excluded."""

    maps: dict[str, float] = field(default_factory=dict)
    masks: dict[str, float] = field(default_factory=dict)
    milliseconds: float = 0.0


def score(weights: Path, people: ParsedPeople) -> LabelScores:
    """Of the files under `weights`, on people of any size.

    Raises:
        WeightsError: a file is not what it should be.
    """
    networks = [Parsing(file, classes) for file, classes in label_map_files(weights).items()]
    counts = [LabelCounts(classes) for classes in MAPS.values()]
    overlaps: dict[str, list[float]] = {category: [] for category in get_args(Category)}
    seconds = 0.0
    for photo, labels in zip(people.photos, people.labels, strict=True):
        picture = Image.fromarray(photo)
        started = time.perf_counter()
        found = LabelMaps(*(network.labels(picture) for network in networks))
        seconds += time.perf_counter() - started
        true = LabelMaps(*(np.ascontiguousarray(plane) for plane in labels))
        for count, name in zip(counts, MAPS, strict=True):
            count.add(getattr(found, name), getattr(true, name))
        for category, overlap in _mask_overlaps(found, true):
            overlaps[category].append(overlap)
    return LabelScores(
        {name: count.mean_iou() for name, count in zip(MAPS, counts, strict=True)},
        {category: float(np.mean(values)) for category, values in overlaps.items() if values},
        1000 * seconds / len(people),
    )


def _mask_overlaps(found: LabelMaps, true: LabelMaps) -> Iterator[tuple[Category, float]]:
    for category in get_args(Category):
        wanted = agnostic_mask(true, category)
        if wanted.any():
            yield category, mask_iou(agnostic_mask(found, category) > 0, wanted > 0)
