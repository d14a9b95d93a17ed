"""Try-on data sets as they lie on disk: VITON-HD (arXiv 2103.16874), DressCode (arXiv 2204.08532) and Vesaki's.

VITON-HD keeps `<split>/{image,cloth,agnostic-mask}` beside lists of pairs, DressCode one folder a kind of garment with
`images`, `agnostic_masks` and lists of its own. Vesaki's has `<split>/{person,garment,agnostic-mask}` beside
`<split>/pairs.txt`. Our extra folder, `image-other` or `images_other`, shows under the same name the same person in
another garment, which mask-free training starts from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model.train.errors import DataSetError
from model.tryon.request import Category

Split = Literal["train", "test"]
Pairing = Literal["paired", "unpaired"]

# Of DressCode: the kind of garments in each folder.
DRESSCODE_FOLDERS: Mapping[str, Category] = {"upper_body": "upper", "lower_body": "lower", "dresses": "overall"}
VESAKI_PEOPLE = "person"  # the folder that tells Vesaki's layout from VITON-HD's
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class Example:
    """A person and a garment; when they are a pair, the photo shows this garment worn. `mask` is white over it."""

    name: str
    person: Path
    garment: Path
    mask: Path
    other: Path

    def checked(self, parts: Sequence[Literal["mask", "other"]]) -> Example:
        """Itself.

        Raises:
            DataSetError: the photo, the garment or one of the other `parts` is not there.
        """
        for part in ("person", "garment", *parts):
            if not (file := getattr(self, part)).is_file():
                raise DataSetError(f"{file}: no such file, which is the {part} of {self.name!r}")
        return self


def read_examples(folder: Path, split: Split, pairing: Pairing = "paired") -> list[Example]:
    """All examples of a data set, in the order of its lists.

    Raises:
        DataSetError: the folder has none of the layouts, or a list of pairs is absent, empty or misshapen.
    """
    if any((folder / kind).is_dir() for kind in DRESSCODE_FOLDERS):
        examples = list(_dresscode(folder, split, pairing))
    elif (folder / split / VESAKI_PEOPLE).is_dir():
        examples = list(_vesaki(folder / split))
    elif (folder / split).is_dir():
        examples = list(_vitonhd(folder, split, pairing))
    else:
        raise DataSetError(
            f"{folder}: neither VITON-HD or Vesaki ({split}/) nor DressCode ({', '.join(DRESSCODE_FOLDERS)}/)"
        )
    if not examples:
        raise DataSetError(f"{folder}: its lists of {split} pairs are empty")
    return examples


def is_data_set(folder: Path, split: Split) -> bool:
    """Whether it has one of the three layouts."""
    return any((folder / name).is_dir() for name in (split, *DRESSCODE_FOLDERS))


def _vitonhd(folder: Path, split: Split, pairing: Pairing) -> Iterator[Example]:
    """The published test list is the unpaired one; in pairs the garment has the person's name."""
    part = folder / split
    for person, garment in _pairs(folder, [f"{split}_pairs_{pairing}.txt", f"{split}_pairs.txt"]):
        cloth = person if pairing == "paired" else garment
        yield Example(
            name=f"{split}/{person}",
            person=part / "image" / person,
            garment=part / "cloth" / cloth,
            mask=part / "agnostic-mask" / f"{Path(person).stem}_mask.png",
            other=part / "image-other" / person,
        )


def _dresscode(folder: Path, split: Split, pairing: Pairing) -> Iterator[Example]:
    names = ["train_pairs.txt"] if split == "train" else [f"test_pairs_{pairing}.txt"]
    for part in (folder / kind for kind in DRESSCODE_FOLDERS if (folder / kind).is_dir()):
        for person, garment in _pairs(part, names):
            yield Example(
                name=f"{part.name}/{person}",
                person=part / "images" / person,
                garment=part / "images" / garment,
                mask=part / "agnostic_masks" / f"{Path(person).stem}.png",
                other=part / "images_other" / person,
            )


def _vesaki(part: Path) -> Iterator[Example]:
    for person, garment in _pairs(part, ["pairs.txt"]):
        yield Example(
            name=f"{part.name}/{person}",
            person=part / VESAKI_PEOPLE / person,
            garment=part / "garment" / garment,
            mask=part / "agnostic-mask" / f"{Path(person).stem}_mask.png",
            other=part / "person-other" / person,
        )


def _pairs(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The first two words of each line of the first of these lists that is there."""
    file = next((folder / name for name in names if (folder / name).is_file()), None)
    if file is None:
        raise DataSetError(f"{folder / names[0]}: no such file, which lists the pairs")
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        words = line.split()
        if len(words) == 1:
            raise DataSetError(f"{file}:{number}: expected a person and a garment, got {line!r}")
        if words:
            yield words[0], words[1]


def pictures_in(folder: Path) -> list[Path]:
    """Every picture under a folder, by name.

    Raises:
        DataSetError: there is none.
    """
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise DataSetError(f"{folder}: holds no pictures ({', '.join(PICTURE_SUFFIXES)})")
    return found
