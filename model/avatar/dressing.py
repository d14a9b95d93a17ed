"""Avatars in other clothes: each photo is dressed by a try-on engine before anything else is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from model.avatar.request import AvatarRequest
from model.engine import Job
from model.errors import InputError
from model.tryon.codes import TryOnCode

_PHOTOS = ("photos.", "photos_prefix.", "avatar")
# What makes one photo useless for a try-on, and says nothing of the others.
_OF_THE_PHOTO: frozenset[str] = frozenset((TryOnCode.NO_PERSON, TryOnCode.MASK_EMPTY, TryOnCode.MASK_COVERS_ALL))


def photos_of(inputs: Mapping[str, Path]) -> dict[str, Path]:
    """The photos among a job's inputs, in the order in which they were sent."""
    names = [name for name in inputs if name.startswith(_PHOTOS) and name != "avatar"]
    return {name: inputs[name] for name in sorted(names, key=lambda name: int(name.rpartition(".")[2]))}


async def dressed(photos: Mapping[str, Path], request: AvatarRequest, job: Job, folder: Path) -> dict[str, Path]:
    """The photos in the request's clothes, as files in `folder`, by name. Those that show nothing of where the clothes
    go are left out, with a warning.

    Raises:
        InputError: no photo shows it, or the clothes cannot be used.
    """
    done: dict[str, Path] = {}
    left_out: list[str] = []
    for i, (name, photo) in enumerate(photos.items()):
        try:
            done[name] = await _dressed(photo, name, request, job, folder / str(i))
        except InputError as error:
            if error.code not in _OF_THE_PHOTO or (i == len(photos) - 1 and not done):
                raise
            left_out.append(name)
        job.progress("dress", i + 1, len(photos))
    if left_out:
        job.warn("not_dressed", f"these show nothing of where the clothes go, and were left out: {', '.join(left_out)}")
    return done


async def _dressed(photo: Path, name: str, request: AvatarRequest, job: Job, folder: Path) -> Path:
    loaded = job.engines[str(request.dressed_by)]
    folder.mkdir()
    inputs = {"person": photo} | {name: file for name, file in job.inputs.items() if not name.startswith(_PHOTOS)}
    part = Job(inputs, folder, max_output_pixels=job.max_output_pixels, engines=job.engines)
    try:
        await loaded.engine.run(loaded.request(request.tryon()), part)
    except InputError as error:
        if error.field not in (None, "person"):
            raise
        raise InputError(error.message, code=error.code, field=name) from error
    for warning in part.warnings:
        job.warn(**warning)
    return folder / "result.png"
