"""Folders of people whose outfits are to be fitted: photos, masks and bodies under names that tell what is whose.

published, single photos   images/ID.*  segmentations/cloth/ID.png  smpl/results/ID.pkl or ID/000.pkl
published, videos          rgb/PERSON/FRAME.*  segm_cloth/PERSON/FRAME.png  smpl/PERSON/FRAME.pkl
                           splits/PERSON/NAME.csv
ours                       photos/ID.*  and, where they are not to be found, masks/ID.png  bodies/ID.json
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.errors import InputError

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_DIGITS = 6  # of a frame's number


@dataclass(frozen=True)
class PhotoFiles:
    """A photo, and the files that say where the clothes and the body are; None: they are to be found."""

    photo: Path
    mask: Path | None
    body: Path | None


@dataclass(frozen=True)
class PersonFiles:
    """One person in one outfit. The first frame gives the cut, all give the looks."""

    name: str
    frames: Sequence[PhotoFiles]


def subjects_in(folder: Path, rows: Path | None, split: str, looks: str | None, most: int) -> list[PersonFiles]:
    """Who is in a folder of any of the three layouts.

    Args:
        rows: a CSV with the columns `seq` and `id`; only whom it names. Of a video `id` is the frame; else the person.
        split, looks: names of each video's own CSV files: the frame that gives the cut, and those that give the looks.
        most: frames of a person; of more, some at even distances are taken.

    Raises:
        InputError: it has none of the layouts, a CSV has other columns, or a file that is named is not there.
    """
    if (folder / "rgb").is_dir():
        return [_of_video(folder, name, frames, most) for name, frames in _videos(folder, rows, split, looks)]
    single = _single_photos(folder)
    if rows is None:
        return list(single.values())
    names = [identity for _, identity in _rows(rows)]
    if unknown := [name for name in names if name not in single]:
        raise InputError(f"{rows} names '{unknown[0]}', whose photo is not in {folder}", field="csv")
    return [single[name] for name in names]


def _single_photos(folder: Path) -> dict[str, PersonFiles]:
    published = (folder / "images").is_dir()
    photos = folder / ("images" if published else "photos")
    files = sorted(file for file in photos.glob("*") if file.suffix.lower() in _PICTURES)
    if not files:
        raise InputError(f"{folder} has no pictures in images/, rgb/ or photos/", field="data")
    frame = _published_photo if published else _own_photo
    return {file.stem: PersonFiles(file.stem, [frame(folder, file)]) for file in files}


def _published_photo(folder: Path, photo: Path) -> PhotoFiles:
    bodies = folder / "smpl/results"
    inner = sorted((bodies / photo.stem).glob("*.pkl"))
    body = inner[0] if inner else bodies / f"{photo.stem}.pkl"
    return PhotoFiles(photo, _there(folder / "segmentations/cloth" / f"{photo.stem}.png"), _there(body))


def _own_photo(folder: Path, photo: Path) -> PhotoFiles:
    mask, body = folder / "masks" / f"{photo.stem}.png", folder / "bodies" / f"{photo.stem}.json"
    return PhotoFiles(photo, mask if mask.is_file() else None, body if body.is_file() else None)


def _videos(folder: Path, rows: Path | None, split: str, looks: str | None) -> Iterator[tuple[str, list[str]]]:
    """Names and frames, the one that gives the cut first."""
    if rows is not None:
        named: dict[str, list[str]] = {}
        for name, frame in _rows(rows):
            named.setdefault(name, []).append(frame.zfill(_DIGITS))
        yield from named.items()
        return
    for person in sorted(file for file in (folder / "rgb").iterdir() if file.is_dir()):
        splits = [split, *([looks] if looks else [])]
        tables = [_rows(_there(folder / "splits" / person.name / f"{name}.csv")) for name in splits]
        yield person.name, list(dict.fromkeys(frame.zfill(_DIGITS) for table in tables for _, frame in table))


def _of_video(folder: Path, name: str, numbers: Sequence[str], most: int) -> PersonFiles:
    step = max(1.0, (len(numbers) - 1) / (most - 1)) if most > 1 else float(len(numbers))
    taken = [numbers[round(i * step)] for i in range(min(most, len(numbers)))]
    return PersonFiles(name, [_frame(folder, name, number) for number in taken])


def _frame(folder: Path, name: str, number: str) -> PhotoFiles:
    photos = [folder / "rgb" / name / f"{number}{suffix}" for suffix in _PICTURES]
    photo = next((file for file in photos if file.is_file()), photos[0])
    mask, body = (
        folder / kind / name / f"{number}.{suffix}" for kind, suffix in (("segm_cloth", "png"), ("smpl", "pkl"))
    )
    return PhotoFiles(_there(photo), _there(mask), _there(body))


def _rows(file: Path) -> list[tuple[str, str]]:
    """Of a CSV: `seq` and `id`."""
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            table = csv.DictReader(opened)
            rows = [(row["seq"], row["id"]) for row in table]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} cannot be read as a CSV with the columns seq and id", field="csv") from error
    if not rows or any(not _is_name(word) for row in rows for word in row):
        raise InputError(f"{file} has no rows, or one whose seq or id is no plain name", field="csv")
    return rows


def _is_name(word: str | None) -> bool:
    return bool(word) and word not in (".", "..") and not set(word or "") & set("/\\")


def _there(file: Path) -> Path:
    if not file.is_file():
        raise InputError(f"there is no {file}", field="data")
    return file
