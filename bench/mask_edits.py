"""The pictures of the documentation's tables of mask edits: one made-up person, the mask painted over."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from bench.known_people import known_makers
from model.train.parsing.people import ParsedPeople, make_people
from model.tryon.masker import found
from model.tryon.maskers.edits import Edits
from model.tryon.request import Category

SEED, SIZE, SHOWN = 131, (384, 512), (150, 200)
PAINT = np.array([235, 60, 120])
PERSON: dict[str, tuple[int, Category]] = {"grow": (0, "upper"), "shape": (0, "upper"), "keep": (2, "overall")}
# Each picture is the mask as found, then these.
EDITS: dict[str, tuple[Edits, ...]] = {
    "grow": (Edits(grow=-0.03), Edits(), Edits(grow=0.03), Edits(grow=0.1)),
    "shape": (Edits(shape="contour"), Edits(shape="hull"), Edits(shape="box")),
    "keep": (
        Edits(shape="box"),
        Edits(shape="box", keep=("face",)),
        Edits(shape="box", keep=("hair",)),
        Edits(shape="box", keep=("hands",)),
        Edits(shape="box", keep=("shoes",)),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.mask_edits", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    out = parser.parse_args().out
    people = make_people(3, SEED, *SIZE)
    for name, edits in EDITS.items():
        i, category = PERSON[name]
        strip = np.concatenate([painted(people, i, category, one) for one in edits], 1)
        Image.fromarray(strip).save(out / f"mask_{name}.jpg", quality=85, optimize=True)


def painted(people: ParsedPeople, i: int, category: Category, edits: Edits) -> np.ndarray:
    """The photo with its mask from true labels over it."""
    maker, photo = known_makers(people, i)["published"], Image.fromarray(people.photos[i])
    mask = found(maker, maker.look(photo), category, photo.size, edits).mask
    share = 0.6 * (np.asarray(mask)[..., None] > 0)
    levels = (people.photos[i] * (1 - share) + PAINT * share).astype(np.uint8)
    return np.asarray(Image.fromarray(levels).resize(SHOWN, Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main()
