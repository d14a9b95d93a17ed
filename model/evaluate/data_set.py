"""Results of a test set judged by what the set knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from model.evaluate.judge import Judge, JudgedAreas, areas_of, like, with_baselines
from model.pictures.reading import read_picture
from model.train.datasets import Example, Pairing
from model.train.truth_files import truth_files
from model.tryon.pictures import Size


def judge_test_set(
    judge: Judge, results: Mapping[str, Path], examples: Sequence[Example], pairing: Pairing
) -> Iterator[Example]:
    """Judge the result of each example, by its name, and yield the example; at the end the garments are told apart.

    In pairs the photo is the truth, to the pixel if the data set is synthetic. Otherwise it shows what was to stay,
    and about where the new garment should be.

    Raises:
        InputError, DataSetError: a picture cannot be read, or has another shape than its result.
    """
    for example in examples:
        result = opened(results[example.name])
        photo = like(opened(example.person), result.size)
        areas = _areas(example, result.size)
        if pairing == "paired":
            judge.protocol(example.name, result, photo)
        if areas is not None:
            _judge_garment(judge, example, result, photo, areas, pairing)
        yield example
    judge.found()


def _judge_garment(
    judge: Judge, example: Example, result: Image.Image, photo: Image.Image, areas: JudgedAreas, pairing: Pairing
) -> None:
    seen, truth, flat = (np.asarray(picture) for picture in (result, photo, opened(example.garment)))
    judge.surroundings(example.name, seen, truth, areas)
    if pairing == "paired":
        pictures = with_baselines(seen, truth, areas)
        judge.exact(example.name, pictures, truth, areas, flat)
        judge.look(pictures, areas.garment, flat, str(example.garment))
    else:
        judge.look({"result": seen}, areas.garment, flat, str(example.garment))


def _areas(example: Example, size: Size) -> JudgedAreas | None:
    """None: the data set has no mask for it."""
    if not example.mask.is_file():
        return None
    garment = truth_files(example).region(size)
    nowhere = np.zeros((size[1], size[0]), np.bool_)
    return areas_of(opened(example.mask), nowhere if garment is None else garment, size)


def opened(file: Path) -> Image.Image:
    """An RGB picture.

    Raises:
        InputError: it cannot be read.
    """
    return read_picture(file, str(file)).convert("RGB")
