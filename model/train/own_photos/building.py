"""From two folders of pictures to a data set in every layout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from PIL import Image, ImageOps

from model.contact_sheet import contact_sheet
from model.train.datasets import Split, pictures_in
from model.train.errors import DataSetError
from model.train.own_photos.annotating import annotated, variations
from model.train.own_photos.quality import Thresholds, quality
from model.train.own_photos.writing import LAYOUTS, SplitFolder
from model.tryon.pictures import Size, pad_resize
from model.tryon.request import Category

_SHOWN = 12  # people on the contact sheet


@dataclass(frozen=True)
class BuildPlan:
    """people, garments: folders; a garment has the name of the person who wears it. variations: of each photo, beside
    itself. test_every: of so many people one is for testing, in their own photo alone."""

    people: Path
    garments: Path
    out: Path
    category: Category = "upper"
    size: Size = (768, 1024)
    variations: int = 5
    test_every: int = 10
    thresholds: Thresholds = field(default_factory=Thresholds)


def build(plan: BuildPlan) -> Iterator[str]:
    """Write it, and say of each photo what became of it.

    Raises:
        DataSetError: no photo has a garment of its name, or none is good enough.
    """
    garments = {file.stem: file for file in pictures_in(plan.garments)}
    people = [file for file in pictures_in(plan.people) if file.stem in garments]
    if not people:
        raise DataSetError(f"{plan.garments}: no picture has the name of a photo in {plan.people}: who wears what?")
    scores: dict[str, dict[str, object]] = {}
    sources: dict[str, str] = {}
    kept: list[tuple[Image.Image, ...]] = []
    names: dict[Split, list[tuple[str, str]]] = {"train": [], "test": []}
    for file in people:
        photo = pad_resize(opened(file), plan.size)
        found = annotated(photo, plan.category)
        measured = quality(opened(file), found.maps.atr)
        scores[file.stem] = measured.as_json(plan.thresholds)
        if not measured.good(plan.thresholds) or not found.mask.any():
            yield f"{file.name}: left out"
            continue
        split: Split = "test" if len(kept) % plan.test_every == plan.test_every - 1 else "train"
        shots = [photo, *variations(photo, plan.variations if split == "train" else 0, len(kept))]
        flat = pad_resize(opened(garments[file.stem]), plan.size)
        for number, shot in enumerate(shots):
            name = file.stem if number == 0 else f"{file.stem}-{number}"
            one = found if number == 0 else annotated(shot, plan.category)
            for layout in LAYOUTS:
                folder = SplitFolder(plan.out, layout, plan.category, split)
                folder.person(name, one)
                folder.garment(name, flat)
            names[split].append((name, name))
            sources[name] = file.stem
        kept.append((photo, flat, Image.fromarray(found.mask * 255)))
        yield f"{file.name}: {len(shots)} for {split}"
    if not kept:
        raise DataSetError(f"{plan.people}: no photo passes: lower what is asked, or see quality_scores.json")
    _finish(plan, names, scores, sources, kept)


def opened(file: Path) -> Image.Image:
    """Upright, RGB."""
    with Image.open(file) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def _finish(
    plan: BuildPlan,
    names: dict[Split, list[tuple[str, str]]],
    scores: dict[str, dict[str, object]],
    sources: dict[str, str],
    kept: Sequence[tuple[Image.Image, ...]],
) -> None:
    """Lists, statistics and a contact sheet."""
    for split, paired in names.items():
        if not paired:
            continue
        people = [one for one, _ in paired]
        unpaired = list(zip(people, people[1:] + people[:1], strict=True))
        for layout in LAYOUTS:
            SplitFolder(plan.out, layout, plan.category, split).lists(paired, unpaired)
    info = {
        "category": plan.category,
        "size": plan.size,
        "people": len(kept),
        "left_out": len(scores) - len(kept),
        "pairs": {split: len(pairs) for split, pairs in names.items()},
        "thresholds": asdict(plan.thresholds),
    }
    contents = {"dataset_info": info, "quality_scores": scores, "augmentation_map": sources}
    for name, content in contents.items():
        (plan.out / f"{name}.json").write_text(json.dumps(content, indent=1))
    columns = [[picture.convert("RGB") for picture in column] for column in kept[:_SHOWN]]
    labels = [str(number) for number in range(1, len(columns) + 1)]
    contact_sheet(columns, labels, ["photo", "garment", "mask"], cell=(150, 200)).save(plan.out / "contact_sheet.jpg")
