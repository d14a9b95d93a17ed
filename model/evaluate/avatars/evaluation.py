"""`python -m model evaluate --task avatar`: avatars of made-up people against the exact truth."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from tqdm import tqdm

from model.avatar.engine import AvatarEngine
from model.avatar.pipeline import AvatarPipeline
from model.avatar.request import AvatarRequest, Stage
from model.command import loaded_pack
from model.contact_sheet import contact_sheet
from model.engine import Job
from model.engines.pack import EnginePack
from model.engines.registry import engine_class
from model.errors import InputError
from model.evaluate.avatars.finished import FinishedViews
from model.evaluate.avatars.judging import SIZE, filled, judged
from model.evaluate.avatars.people import UNSEEN, JudgedPerson
from model.evaluate.avatars.scores import AvatarScores
from model.evaluate.avatars.views import premultiplied
from model.runtime.device import Device, open_device

_PEOPLE, _PHOTOS = 24, 5  # a few minutes; as many photos as were trained on
_SHOWN = 6  # people on the sheet
_LAST: Stage = "normals"  # without meshes


@dataclass
class Judgement:
    """scores: of all people. rows: of the first ones, for a sheet, their seed and pictures."""

    scores: AvatarScores = field(default_factory=AvatarScores)
    rows: list[tuple[str, list[Image.Image]]] = field(default_factory=list)


def evaluate_avatars(arguments: Namespace) -> int:
    """Judge the avatars of an engine, and leave `evaluation.json`, `evaluation.md` and `contact_sheet.png`.

    Raises:
        InputError: the engine makes no avatars.
        WeightsError: weights cannot be read.
    """
    name, count = arguments.engine or "template", arguments.count or _PEOPLE
    pack = loaded_pack(arguments, name)
    device = open_device(arguments.device, arguments.dtype)
    try:
        judgement = judged_avatars(name, pack, device, count, meshes=arguments.meshes)
    finally:
        device.close()
    settings = {"engine": name, "weights": pack.fingerprint_of(name)[:16], "photos": _PHOTOS, "people": count}
    write_judgement(arguments.out, judgement, settings)
    tqdm.write(f"{judgement.scores.tables()}\nresults in {arguments.out}")
    return 0


def judged_avatars(name: str, pack: EnginePack, device: Device, count: int, *, meshes: bool = False) -> Judgement:
    """What an engine makes of made-up people nobody has learned from.

    Args:
        meshes: surfaces too, which takes longer.

    Raises:
        InputError: the engine makes no avatars.
        WeightsError: weights cannot be read.
    """
    engine = engine_class(name)(pack.folder, device)
    if not isinstance(engine, AvatarEngine):
        raise InputError(f"the engine '{name}' makes no avatars", field="engine")
    judgement = Judgement()
    people = [JudgedPerson(UNSEEN + i, _PHOTOS, SIZE) for i in range(count)]
    with asyncio.Runner() as runner:  # one event loop, because a device lives on one
        for person in tqdm(people, desc="avatars", unit="person", disable=None):
            pipeline = runner.run(_made(engine, device, pack, person, meshes=meshes))
            finished = FinishedViews.of(pipeline) if meshes else None
            judgement.scores.people.append(judged(person, pipeline, finished))
            if len(judgement.rows) < _SHOWN:
                judgement.rows.append((str(person.seed), _shown(person, pipeline)))
    return judgement


async def _made(
    engine: AvatarEngine[AvatarRequest], device: Device, pack: EnginePack, person: JudgedPerson, *, meshes: bool
) -> AvatarPipeline:
    with TemporaryDirectory() as folder:
        files = {f"photos.{i}": Path(folder) / f"{i}.png" for i in range(len(person.photos))}
        for file, photo in zip(files.values(), person.photos, strict=True):
            photo.picture.save(file)
        body = {"photos": ["given"] * len(files), "seed": person.seed, "engine": engine.name}
        request = engine.Request.model_validate(body, context=pack.defaults(engine.name))
        pipeline = engine.pipeline(request, Job(files, Path(folder)))
        async with device.live(engine.name, engine.resident_bytes(request)):
            await pipeline.run(last="colour" if meshes else _LAST)
    return pipeline


def _shown(person: JudgedPerson, pipeline: AvatarPipeline) -> list[Image.Image]:
    """Two photos, and front and back: true, made, and of the baseline."""
    made = premultiplied(pipeline.subject.rgb, SIZE)
    pictures = [photo.picture for photo in person.photos[:2]]
    for side in (0, 3):
        for views in (person.views, made, filled(person)):
            levels = (views[side].clip(0, 1) * 255 + 0.5).astype(np.uint8)
            pictures.append(Image.fromarray(levels, "RGBa").convert("RGBA"))
    return [_on_white(picture) for picture in pictures]


def _on_white(picture: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def write_judgement(folder: Path, judgement: Judgement, settings: Mapping[str, object]) -> None:
    """`evaluation.json`, `evaluation.md` and `contact_sheet.png`. settings: what is said of how it was made."""
    folder.mkdir(parents=True, exist_ok=True)
    scores = judgement.scores
    summary = {"settings": settings, **scores.summary()}
    (folder / "evaluation.json").write_text(json.dumps(summary, indent=1) + "\n")
    how = ", ".join(f"{name} {value}" for name, value in settings.items())
    (folder / "evaluation.md").write_text(f"# Avatars of made-up people\n\n{how}\n\n{scores.tables()}")
    names = ("photo", "photo", "front", "made", "baseline", "back", "made", "baseline")
    labels, columns = [name for name, _ in judgement.rows], [pictures for _, pictures in judgement.rows]
    contact_sheet(columns, labels, names, title="Avatars of made-up people").save(folder / "contact_sheet.png")
