"""Avatars in other clothes: photos are dressed first. Whoever dresses them here mirrors them."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from model.avatar.kept import KeptAvatar
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


def test_a_kept_avatar_is_made_again_and_dressed_without_its_photos(
    runner: asyncio.Runner, engine: Template, mirror: Picky, inputs: dict[str, Path], tmp_path: Path
) -> None:
    first = run(runner, engine, mirror, inputs, keep=True)
    kept = KeptAvatar.read(first.outputs / "avatar.npz")
    assert np.array_equal(np.asarray(kept.photos[0]), np.asarray(Image.open(first.outputs / "photo_0.png")))
    shaped = KeptAvatar(kept.photos, torch.linspace(-1, 1, 10))  # which the photos would not say
    file = tmp_path / "avatar.npz"
    shaped.write(file)

    def again(name: str, **fields: Any) -> Job:
        (tmp_path / name).mkdir()
        given = {"garment": inputs["garment"], "avatar": file}
        copies = {field: Path(shutil.copy(path, tmp_path / name)) for field, path in given.items()}
        return run(runner, engine, mirror, copies, photos=None, avatar="kept", **fields)

    same, worn = again("same"), again("worn", **GARMENT)
    for job in (same, worn):
        said = json.loads((job.outputs / "body.json").read_text())
        assert said["betas"] == pytest.approx(shaped.betas.tolist(), abs=1e-5)
    photos = [np.asarray(Image.open(job.outputs / "photo_0.png")).astype(int) for job in (first, same, worn)]
    assert np.array_equal(photos[0], photos[1])
    solid = (photos[0][..., 3] == 255) & (photos[2][..., 3] == 255)
    assert np.abs(photos[0] - photos[2])[solid].mean() > 5  # whoever dresses mirrors
    assert len(list(worn.outputs.glob("photo_*.png"))) == len(kept.photos)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"betas": np.zeros(10, np.float32)}, "0 photos"),
        ({"photo_0": np.zeros(8, np.uint8), "betas": np.zeros(10, np.float32)}, "UnidentifiedImageError"),
        ({"photo_0": np.zeros((2, 2)), "betas": np.zeros(10, np.float32)}, "no file"),
        ({"photo_1": np.zeros(8, np.uint8)}, "KeyError"),
    ],
)
def test_a_file_that_is_no_avatar_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    np.savez(tmp_path / "avatar.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=said) as caught:
        KeptAvatar.read(tmp_path / "avatar.npz")
    assert (caught.value.code, caught.value.field) == ("bad_avatar", "avatar")


@pytest.mark.parametrize(
    ("betas", "sound"),
    [
        (np.full(10, 10, np.float32), True),
        (np.full(10, 10.1, np.float32), False),
        (np.full(10, np.nan, np.float32), False),
        (np.zeros(9, np.float32), False),
    ],
)
def test_a_shape_that_is_none_is_refused(tmp_path: Path, betas: np.ndarray, sound: bool) -> None:
    KeptAvatar([Image.new("RGBA", (1024, 1024))], torch.from_numpy(betas)).write(tmp_path / "avatar.npz")
    if sound:
        assert torch.equal(KeptAvatar.read(tmp_path / "avatar.npz").betas, torch.from_numpy(betas))
    else:
        with pytest.raises(InputError, match="no shape"):
            KeptAvatar.read(tmp_path / "avatar.npz")


def test_photos_of_another_size_or_too_many_of_them_are_refused(tmp_path: Path) -> None:
    for photos, said in (([Image.new("RGBA", (1024, 512))], "1024 x 512"), ([Image.new("RGB", (1024, 1024))], "RGB")):
        KeptAvatar(photos, torch.zeros(10)).write(tmp_path / "avatar.npz")
        with pytest.raises(InputError, match=said):
            KeptAvatar.read(tmp_path / "avatar.npz")
    small = {f"photo_{i}": np.zeros(1, np.uint8) for i in range(65)}
    np.savez(tmp_path / "avatar.npz", allow_pickle=False, betas=np.zeros(10, np.float32), **small)
    with pytest.raises(InputError, match="65 photos"):
        KeptAvatar.read(tmp_path / "avatar.npz")
    np.savez_compressed(tmp_path / "avatar.npz", photo_0=np.zeros(300_000_000, np.uint8))
    with pytest.raises(InputError, match="too large"):
        KeptAvatar.read(tmp_path / "avatar.npz")
