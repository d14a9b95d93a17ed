"""Outfits of a whole folder of people, fitted one after the other."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from model.clothes.arrays import Floats
from model.engine import Job
from model.engines.pointcloth.bodies import as_json
from model.engines.pointcloth.body import DrapedBody
from model.engines.pointcloth.camera import published_mask
from model.engines.pointcloth.engine import PointCloth
from model.engines.pointcloth.folders import PersonFiles
from model.engines.pointcloth.outfit import read_outfit
from model.engines.pointcloth.published import write_codes
from model.engines.pointcloth.published_bodies import read_published_body
from model.engines.pointcloth.request import Request
from model.errors import EngineError, InputError
from model.runtime.device import open_device


def fit_folder(
    arguments: Namespace, weights: Path, subjects: Sequence[PersonFiles], options: Mapping[str, object]
) -> int:
    """Each outfit into a folder of `arguments.out` called as its person, and all codes and photos as the published
    notebooks read them. Returns how many could not be fitted.

    Raises:
        EngineError: the weights cannot be loaded.
    """
    fitted = asyncio.run(_fit_all(arguments, weights, subjects, options))
    if fitted:
        write_codes(arguments.out / f"outfit_codes_{arguments.name}.pkl", fitted)
        photos = {subject.name: str(subject.frames[0].photo) for subject in subjects if subject.name in fitted}
        (arguments.out / f"image_paths_{arguments.name}.pkl").write_bytes(pickle.dumps(photos, protocol=4))
    return len(subjects) - len(fitted)


async def _fit_all(
    arguments: Namespace, weights: Path, subjects: Sequence[PersonFiles], options: Mapping[str, object]
) -> dict[str, Floats]:
    device = open_device(arguments.device, arguments.dtype)
    try:
        engine = PointCloth(weights, device)
        codes = {}
        for subject in tqdm(subjects, unit="outfit", mininterval=1):
            out = arguments.out / subject.name
            try:
                await _fit(engine, subject, options, out)
            except EngineError as error:
                tqdm.write(f"{subject.name}: {error.message} ({error.code})", file=sys.stderr)
            else:
                codes[subject.name] = read_outfit(out / "outfit.npz").code
        return codes
    finally:
        device.close()


async def _fit(engine: PointCloth, subject: PersonFiles, options: Mapping[str, object], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        inputs = inputs_of(subject, engine.networks.body, Path(folder))
        lists = {kind: ["-"] * len(subject.frames) for kind in {name.partition(".")[0] for name in inputs}}
        request = Request.model_validate({"task": "fit", **lists, **options})
        job = Job(inputs, out)
        async with engine.networks.device.live(engine.name, engine.resident_bytes(request)):
            await engine.run(request, job)
    told = {"settings": job.settings, "warnings": job.warnings}
    (out / "fit.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


def inputs_of(subject: PersonFiles, body: DrapedBody, folder: Path) -> dict[str, Path]:
    """Files as a request names them; published ones are first made ours, in `folder`.

    Raises:
        InputError: some of the frames have a mask, or a body, and others none.
        WeightsError: a published body cannot be used.
    """
    inputs = {}
    for i, frame in enumerate(subject.frames):
        inputs[f"photos.{i}"] = frame.photo
        if frame.mask is not None:
            inputs[f"masks.{i}"] = own_mask(frame.mask, folder / f"mask_{i}.png")
        if frame.body is not None:
            inputs[f"bodies.{i}"] = _own_body(frame.body, body, folder / f"body_{i}.json")
    for kind in ("masks", "bodies"):
        if sum(name.startswith(kind) for name in inputs) not in (0, len(subject.frames)):
            raise InputError(f"some photos of '{subject.name}' have {kind} and others none", field=kind)
    return inputs


def own_mask(file: Path, out: Path) -> Path:
    """A published mask, of four channels, as one that requests take, written to `out`; another one as it is."""
    picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8:
        return file
    levels = published_mask(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), np.uint8))
    Image.fromarray(np.where(levels > 0, 255, 0).astype(np.uint8)).save(out)
    return out


def _own_body(file: Path, body: DrapedBody, out: Path) -> Path:
    if file.suffix != ".pkl":
        return file
    out.write_text(as_json(read_published_body(file, body)), encoding="utf-8")
    return out
