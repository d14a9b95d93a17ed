"""The pictures of the demo's try-ons. Its people were chosen by eye and stay, so that two runs can be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from model.perception.label_maps import LabelMaps
from model.samples.samples import SampleTryOn
from model.synthetic.fabrics.sample_garments import GARMENTS
from model.synthetic.scene.person import random_person
from model.synthetic.scene.photos import lay_flat, photograph
from model.synthetic.scene.picture import Picture
from model.tryon.automask import agnostic_mask
from model.tryon.request import Category

SIZE = (384, 512)  # the smaller of the published try-ons' sizes

# Seeds of `random_person`.
PEOPLE: dict[str, int] = {
    "mira": 37,
    "jonas": 421,
    "awa": 11,
    "linnea": 816,
    "rosa": 43,
    "hana": 91,
    "ines": 40,
    "kofi": 79,
    "freya": 104,
    "leila": 26,
    "dina": 47,
    "zuri": 33,
}


def render_sample(sample: SampleTryOn, folder: Path, size: tuple[int, int] = SIZE) -> dict[str, Path]:
    """Save a sample's pictures as PNG files, the truth among them; see `sample_pictures`.

    Returns:
        the files by the request field they are for.
    """
    pictures = sample_pictures(sample, size)
    pictures.pop("truth").save(folder / sample.truth)
    files = {field: folder / name for field, name in sample.inputs.items()}
    for field, file in files.items():
        pictures[field].save(file)
    return files


def render_garment(sample: SampleTryOn, folder: Path, size: tuple[int, int] = SIZE) -> Path:
    """Save a sample's garment alone as a PNG file."""
    file = folder / sample.inputs["garment"]
    lay_flat(GARMENTS[sample.garment], *size).save(file)
    return file


def sample_pictures(sample: SampleTryOn, size: tuple[int, int] = SIZE) -> dict[str, Image.Image]:
    """`person`, `garment`, `mask`, and as `truth` the person in that garment. size: width and height in pixels."""
    person = random_person(np.random.default_rng(PEOPLE[sample.person]), sample.place)
    before = photograph(person, *size)
    after = photograph(person.wearing(GARMENTS[sample.garment]), *size)
    return {
        "person": before.photo,
        "garment": after.garments[sample.place],
        "mask": true_mask(before, sample.category),
        "truth": after.photo,
    }


def true_mask(picture: Picture, category: Category) -> Image.Image:
    """The published agnostic mask from labels without error: L, white where to paint."""
    maps = LabelMaps(picture.densepose, picture.lip, picture.atr)
    return Image.fromarray(agnostic_mask(maps, category) * np.uint8(255))
