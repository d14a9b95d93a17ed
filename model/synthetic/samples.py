"""The people and garments of the demo: fixed, so that two runs can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from model.synthetic.body import Build, Pose
from model.synthetic.colour import rgb
from model.synthetic.contact_sheet import contact_sheet
from model.synthetic.drawing import draw_garment, draw_person
from model.synthetic.fabric import Fabric
from model.synthetic.garment import Cut, Garment
from model.synthetic.head import Head
from model.synthetic.look import Look
from model.synthetic.scene import Scene


@dataclass(frozen=True)
class Sample:
    """One try-on: a key of `PEOPLE` and a key of `GARMENTS`."""

    person: str
    garment: str

    @property
    def mask(self) -> str:
        """Which of the person's masks is for this garment."""
        return "upper_mask" if GARMENTS[self.garment].is_upper else "lower_mask"


def _plain(cut: Cut, colour: str) -> Garment:
    return Garment(cut, Fabric("plain", rgb(colour)))


_SLIGHT = Build(shoulder=54, chest=46.5, waist=38.5, hip=54, arm=12)
_BROAD = Build(shoulder=68, chest=58, waist=50, hip=53, arm=15.5)

PEOPLE: dict[str, Look] = {
    "mira": Look(
        Head(rgb("#e9b48f"), "bob", rgb("#5a3425")),
        _plain("tshirt", "#f3efe8"),
        _plain("trousers", "#4c6a8f"),
        Scene(rgb("#f0d9c4"), rgb("#e2c1a4"), "arch", rgb("#f8ebdc")),
        build=_SLIGHT,
        pose=Pose("relaxed", "open", sway=4, tilt=3),
    ),
    "jonas": Look(
        Head(rgb("#8d5a3c"), "crop", rgb("#231815"), beard=True),
        _plain("tshirt", "#d98b5f"),
        _plain("trousers", "#3c4046"),
        Scene(rgb("#bfd6d2"), rgb("#a9c2ba"), "sun", rgb("#e6efe6")),
        build=_BROAD,
        pose=Pose("open", "relaxed", sway=-3, tilt=-2),
    ),
    "awa": Look(
        Head(rgb("#6f4530"), "curls", rgb("#2a1b18"), lips=rgb("#b3555a")),
        _plain("tshirt", "#e9c46a"),
        _plain("skirt", "#3d6b5d"),
        Scene(rgb("#f3e0d6"), rgb("#dcbfae"), "leaves", rgb("#8fae8b")),
        shoes=rgb("#b9563f"),
        build=_SLIGHT,
        pose=Pose("on_hip", "relaxed", sway=-6, tilt=-4),
    ),
    "linnea": Look(
        Head(rgb("#f3cdb0"), "bun", rgb("#c2803f")),
        _plain("long_sleeve", "#a7bfa5"),
        _plain("trousers", "#d8c3a5"),
        Scene(rgb("#d9cbe0"), rgb("#bfaecb"), "window", rgb("#efe6f0")),
        build=_SLIGHT,
        pose=Pose("open", "on_hip", sway=5, tilt=4),
    ),
    "hana": Look(
        Head(rgb("#dba77e"), "long", rgb("#241c1f")),
        _plain("long_sleeve", "#c65f5a"),
        _plain("trousers", "#2f3b52"),
        Scene(rgb("#cfdcea"), rgb("#b3c4d6"), "arch", rgb("#e9f0f6")),
        shoes=rgb("#3a3f4c"),
        build=_SLIGHT,
        pose=Pose("relaxed", "open", sway=5, tilt=4),
    ),
}

GARMENTS: dict[str, Garment] = {
    "stripes": Garment("tshirt", Fabric("stripes", rgb("#f4efe6"), rgb("#2f4a6d"), repeat=40)),
    "gingham": Garment("long_sleeve", Fabric("checks", rgb("#f3e6d8"), rgb("#b5483a"), repeat=52)),
    "sunset": Garment("tshirt", Fabric("sunset", rgb("#f2ddb8"), rgb("#d9653b"), repeat=78)),
    "dotted skirt": Garment("skirt", Fabric("dots", rgb("#c8553d"), rgb("#fbe9d0"), repeat=48)),
}

# Every person and every garment, few enough for one sheet that can be read.
SAMPLES: tuple[Sample, ...] = (
    Sample("mira", "stripes"),
    Sample("jonas", "gingham"),
    Sample("awa", "sunset"),
    Sample("linnea", "dotted skirt"),
    Sample("hana", "stripes"),
    Sample("mira", "dotted skirt"),
    Sample("jonas", "sunset"),
    Sample("linnea", "gingham"),
)


def draw_sample_files(samples: Sequence[Sample], folder: Path) -> list[dict[str, Path]]:
    """Draw what `samples` need as PNG files in `folder`; each sample's files by the request field they are for."""
    for name in {sample.person for sample in samples}:
        picture = draw_person(PEOPLE[name])
        picture.photo.save(folder / file_name(name))
        picture.upper_mask.save(folder / file_name(name, "upper_mask"))
        picture.lower_mask.save(folder / file_name(name, "lower_mask"))
    for name in {sample.garment for sample in samples}:
        draw_garment(GARMENTS[name]).save(folder / file_name(name))
    return [
        {
            "person": folder / file_name(sample.person),
            "garment": folder / file_name(sample.garment),
            "mask": folder / file_name(sample.person, sample.mask),
        }
        for sample in samples
    ]


def sample_sheet(
    samples: Sequence[Sample], files: Sequence[dict[str, Path]], results: Sequence[Path], title: str
) -> Image.Image:
    """A contact sheet with a column for each sample: what `draw_sample_files` drew, and what came of it."""
    columns = [
        [Image.open(file) for file in (*drawn.values(), result)] for drawn, result in zip(files, results, strict=True)
    ]
    labels = [f"{sample.person}, {sample.garment}" for sample in samples]
    return contact_sheet(columns, labels, ("person", "garment", "mask", "result"), title=title)


def file_name(*words: str) -> str:
    return "_".join(words).replace(" ", "_") + ".png"
