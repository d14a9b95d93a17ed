"""Avatars in other clothes: photos are dressed first. Whoever dresses them here mirrors them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image, ImageOps

from model.engine import Engine, Job, Loaded
from model.engines.template.engine import Template
from model.engines.template.request import Request
from model.errors import InputError
from model.runtime.device import Device
from model.tryon.codes import TryOnCode
from tests.mirror.engine import Mirror

GARMENT: dict[str, Any] = {"garment": "g", "dressed_by": "mirror"}


class Picky(Mirror):
    """Sees nobody in some photos."""

    refuses = 0

    async def run(self, request: Any, job: Job) -> None:
        self.refuses -= 1
        if self.refuses >= 0:
            raise InputError("nobody is there", code=TryOnCode.NO_PERSON, field="person")
        await super().run(request, job)


@pytest.fixture
def mirror(weights: Path, device: Device) -> Picky:
    return Picky(weights, device)


@pytest.fixture
def inputs(photos: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    file = tmp_path / "garment.png"
    Image.new("RGB", (32, 32), "red").save(file)
    return photos | {"garment": file}


def run(runner: asyncio.Runner, engine: Template, mirror: Mirror, inputs: dict[str, Path], **fields: Any) -> Job:
    request = Request.model_validate({"photos": ["p"] * 2, "body_only": True, "stages": ["photos"], "seed": 1} | fields)
    out = inputs["garment"].parent / "out"
    out.mkdir()
    job = Job(inputs, out, engines={"mirror": Loaded(cast("Engine", mirror))})

    async def live() -> None:
        async with mirror.device.live("template", 0):
            await engine.run(request, job)

    runner.run(live())
    return job


def test_every_photo_is_dressed_before_anybody_is_cut_out(
    runner: asyncio.Runner, engine: Template, mirror: Picky, inputs: dict[str, Path], photos: dict[str, Path]
) -> None:
    job = run(runner, engine, mirror, inputs, **GARMENT)
    for number, file in enumerate(photos.values()):
        made = Image.open(job.outputs / f"photo_{number}.png").convert("RGBA")
        photo = Image.open(file)
        box = photo.getchannel("A").getbbox()
        worn = ImageOps.mirror(Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo)).crop(box)
        seen = made.crop(made.getchannel("A").getbbox()).resize(worn.size)
        solid = np.asarray(photo.crop(box).getchannel("A")) == 255  # as before: what clothes change, not outlines
        off = np.abs(np.asarray(seen)[solid, :3].astype(int) - np.asarray(worn)[solid, :3].astype(int))
        assert off.mean() < 12
    assert "dress" in job.stage_seconds


def test_a_photo_that_shows_nothing_of_where_clothes_go_is_left_out(
    runner: asyncio.Runner, engine: Template, mirror: Picky, inputs: dict[str, Path]
) -> None:
    mirror.refuses = 1
    job = run(runner, engine, mirror, inputs, **GARMENT)
    assert len(list(job.outputs.glob("photo_*.png"))) == 1
    assert [warning["code"] for warning in job.warnings] == ["not_dressed", "one_photo"]


def test_clothes_that_go_on_no_photo_are_refused(
    runner: asyncio.Runner, engine: Template, mirror: Picky, inputs: dict[str, Path]
) -> None:
    mirror.refuses = 2
    with pytest.raises(InputError, match="nobody is there") as refusal:
        run(runner, engine, mirror, inputs, **GARMENT)
    assert refusal.value.field == "photos.1"


def test_broken_clothes_are_named(
    runner: asyncio.Runner, engine: Template, mirror: Picky, inputs: dict[str, Path]
) -> None:
    inputs["garment"].write_bytes(b"no picture")
    with pytest.raises(InputError) as refusal:
        run(runner, engine, mirror, inputs, **GARMENT)
    assert refusal.value.field == "garment"
