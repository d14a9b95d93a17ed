"""The demo's try-ons by name: which made-up person tries which garment on, and what their files are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from model.clothes.cut import GarmentPlace
from model.contact_sheet import contact_sheet
from model.tryon.request import Category

_DATA = Path(__file__).parent / "data"
GARMENTS = _DATA / "garments"  # all twelve of SAMPLES, small: the demo's catalogue
_COLUMNS_A_BAND = 6  # of a sheet: twelve samples are two bands
_CATEGORIES: dict[GarmentPlace, Category] = {"upper": "upper", "lower": "lower", "dress": "overall"}


@dataclass(frozen=True)
class SampleTryOn:
    """One try-on. `sample_pictures` has its person and its garment, which is for `place`."""

    person: str
    place: GarmentPlace
    garment: str

    @property
    def category(self) -> Category:
        """The place in the words of requests."""
        return _CATEGORIES[self.place]

    @property
    def inputs(self) -> dict[str, str]:
        """Names of files by the request field they are for."""
        return {
            "person": file_name(self.person),
            "garment": file_name(self.garment),
            "mask": file_name(self.person, self.category, "mask"),
        }

    @property
    def result(self) -> str:
        """What the file with the answer is called."""
        return file_name(self.person, self.garment)

    def result_by(self, engine: str) -> str:
        """The same of one of several engines."""
        return file_name(self.person, self.garment, engine)

    @property
    def truth(self) -> str:
        """What the file is called that shows the person in that garment."""
        return file_name(self.person, self.garment, "truth")


# Every kind of garment and of fabric, from shorter to longer and from longer to shorter.
SAMPLES: tuple[SampleTryOn, ...] = (
    SampleTryOn("mira", "upper", "stripes"),
    SampleTryOn("jonas", "upper", "gingham"),
    SampleTryOn("awa", "upper", "sun"),
    SampleTryOn("linnea", "upper", "dip dye"),
    SampleTryOn("rosa", "upper", "band"),
    SampleTryOn("hana", "lower", "dotted skirt"),
    SampleTryOn("ines", "lower", "tartan trousers"),
    SampleTryOn("kofi", "lower", "denim shorts"),
    SampleTryOn("freya", "lower", "pinstripes"),
    SampleTryOn("leila", "dress", "flower dress"),
    SampleTryOn("dina", "dress", "sailor dress"),
    SampleTryOn("zuri", "dress", "heart dress"),
)


def small_sample() -> dict[str, Path]:
    """Pictures of the first sample by request field, 96 x 128 pixels, for those who cannot or need not render any."""
    return {field: _DATA / name for field, name in SAMPLES[0].inputs.items()}


def sample_sheet(
    samples: Sequence[SampleTryOn], folder: Path, title: str, *, results: Sequence[str] = (), truths: bool = False
) -> Image.Image:
    """A contact sheet with a column for each sample: what is in `folder` for it and of it, and maybe the truth.

    results: the engines whose results are shown, a row each; by default one row of what nobody says who made.
    """
    rows = ["person", "garment", *(results or ["mask", "result"]), *(["truth"] if truths else [])]
    columns = []
    for sample in samples:
        names = sample.inputs | {"result": sample.result, "truth": sample.truth}
        names |= {engine: sample.result_by(engine) for engine in results}
        columns.append([Image.open(folder / names[row]) for row in rows])
    labels = [f"{sample.person}, {sample.garment}" for sample in samples]
    return contact_sheet(columns, labels, rows, title=title, columns_a_band=_COLUMNS_A_BAND)


def photo_sheet(samples: Sequence[SampleTryOn], photo: Image.Image, folder: Path) -> Image.Image:
    """A contact sheet of one photo and a column for each garment that its person was dressed in."""
    columns = [[photo]]
    for sample in samples:
        files = file_name(sample.garment), file_name("photo", sample.garment)
        columns.append([Image.open(folder / name) for name in files])
    return contact_sheet(
        columns, ["photo", *(sample.garment for sample in samples)], columns_a_band=_COLUMNS_A_BAND + 1
    )


def file_name(*words: str) -> str:
    """As in `mira_upper_mask.png`."""
    return "_".join(words).replace(" ", "_") + ".png"
