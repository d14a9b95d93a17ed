"""The engine from files to files, on the tiny reference networks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from model.engine import Job
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.request import Request
from model.errors import InputError
from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from model.tryon.request import Garments
from tests.model.catvton.replay import GREY_LEVELS, grey_levels
from tests.model.conftest import DATA
from tests.model.tryon.drawing import array, opened, saved

PERSON, GARMENT, MASK = (DATA / f"inputs/{name}.png" for name in ("person", "garment", "mask"))
FILES = {"person": PERSON, "garment": GARMENT, "mask": MASK}


class Studio:
    """Runs requests, each in a fresh folder."""

    def __init__(self, tryon: CatVTON, runner: asyncio.Runner, folder: Path) -> None:
        self.tryon, self.runner, self.folder = tryon, runner, folder
        self.jobs = 0
        self.stages: list[tuple[str, int, int]] = []

    def dress(self, files: dict[str, Path] = FILES, *, max_output_pixels: int = 2**25, **fields: Any) -> list[Path]:
        size = {"width": 96, "height": 128, "steps": 2, "seed": 42}
        request = Request(person="p", **({"mask": "m", "garment": "g"} | size | fields))
        outputs = self.folder / str(self.jobs)
        outputs.mkdir()
        self.jobs += 1

        def heard(stage: str, done: int, total: int) -> None:
            self.stages.append((stage, done, total))

        self.job = Job(files, outputs, max_output_pixels=max_output_pixels, on_progress=heard)
        self.runner.run(self._live(request, self.job))
        return sorted(outputs.iterdir())

    async def _live(self, request: Request, job: Job) -> None:
        async with self.tryon.device.live("tryon", self.tryon.resident_bytes(request)):
            await self.tryon.run(request, job)


@pytest.fixture
def studio(tryon: CatVTON, runner: asyncio.Runner, tmp_path: Path) -> Studio:
    return Studio(tryon, runner, tmp_path)


def test_with_one_seed_for_all_the_result_is_the_published_one(studio: Studio) -> None:
    (result,) = studio.dress(steps=4, repaint=False)
    expected = DATA / "cases/w96h128_s4_g2.5_eta1.0/result_0.png"
    assert grey_levels(array(opened(result)), array(opened(expected))) <= GREY_LEVELS


def test_the_same_seed_gives_the_same_bytes(studio: Studio) -> None:
    first, second, other = (studio.dress(seed=seed)[0].read_bytes() for seed in (1, 1, 2))
    assert first == second != other


def test_one_network_at_a_time_gives_the_same_bytes(studio: Studio, runner: asyncio.Runner, tmp_path: Path) -> None:
    device = Device(torch.device("cpu"), config=DeviceConfig(memory_profile="low"))
    (tmp_path / "low").mkdir()
    low = Studio(CatVTON(DATA / "weights", device), runner, tmp_path / "low")
    assert low.dress(samples=2)[1].read_bytes() == studio.dress(samples=2)[1].read_bytes()
    device.close()


def test_sample_i_is_a_run_with_seed_plus_i(studio: Studio) -> None:
    first, second = studio.dress(samples=2, seed=7, repaint=False)
    assert (first.name, second.name) == ("result.png", "result_1.png")
    for sample, seed in ((first, 7), (second, 8)):
        (alone,) = studio.dress(seed=seed, repaint=False)
        assert grey_levels(array(opened(sample)), array(opened(alone))) <= 1


def test_repainting_keeps_the_photo_where_the_mask_is_black(studio: Studio) -> None:
    (file,) = studio.dress()
    result, photo = opened(file), opened(PERSON)
    assert result.size == photo.size
    touched = (array(result) != array(photo)).any(axis=2)
    assert touched[array(opened(MASK)) >= 128].mean() > 0.9
    assert not touched[:40].any()


def test_without_repainting_the_result_has_the_requested_size(studio: Studio) -> None:
    assert opened(studio.dress(repaint=False, width=64, height=72)[0]).size == (64, 72)


@pytest.mark.parametrize("repaint", [True, False])
def test_no_result_is_larger_than_allowed(studio: Studio, repaint: bool) -> None:
    width, height = opened(studio.dress(repaint=repaint, max_output_pixels=5000)[0]).size
    assert 4500 < width * height <= 5000


@pytest.mark.parametrize(("format", "suffix"), [("jpeg", "jpg"), ("webp", "webp")])
def test_results_come_in_the_format_asked_for(studio: Studio, format: str, suffix: str) -> None:
    (file,) = studio.dress(output={"format": format})
    assert file.name == f"result.{suffix}"
    assert opened(file).format == format.upper()


def test_guidance_at_one_is_off(studio: Studio) -> None:
    first, second, guided = (studio.dress(guidance=guidance)[0].read_bytes() for guidance in (0.5, 1.0, 1.1))
    assert first == second != guided


def test_two_garments_are_worn_in_one_pass(studio: Studio) -> None:
    files = {"person": PERSON, "mask": MASK, "garments.upper": GARMENT, "garments.lower": GARMENT}
    fields: dict[str, Any] = {"garment": None, "garments": Garments(upper="u", lower="l")}
    white, black = (
        studio.dress(files, **fields, garments_canvas=canvas)[0].read_bytes() for canvas in ("white", "black")
    )
    assert white == black  # equally wide garments leave no canvas to see


def test_progress_is_told_stage_by_stage(studio: Studio) -> None:
    studio.dress(steps=3)
    assert studio.stages == [
        ("prepare", 0, 1),
        ("encode", 0, 1),
        *(("denoise", done, 3) for done in range(4)),
        ("decode", 0, 1),
        ("save", 0, 1),
        ("save", 1, 1),
    ]


def test_a_photos_place_is_not_in_the_result(studio: Studio, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010F] = "a camera"
    photo = saved(opened(PERSON), tmp_path / "photo.jpg", exif=exif)
    assert opened(photo).getexif()
    for format in ("png", "jpeg", "webp"):
        (file,) = studio.dress(FILES | {"person": photo}, output={"format": format})
        assert not opened(file).getexif()


def test_an_unusable_picture_ends_the_job_with_its_field(studio: Studio, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"GIF89a")
    with pytest.raises(InputError) as caught:
        studio.dress(FILES | {"garment": broken})
    assert (caught.value.code, caught.value.field) == ("image_unreadable", "garment")
    empty = saved(Image.new("L", opened(PERSON).size), tmp_path / "empty.png")
    with pytest.raises(InputError) as caught:
        studio.dress(FILES | {"mask": empty})
    assert (caught.value.code, caught.value.field) == ("mask_empty", "mask")


def test_memory_grows_with_pixels_rows_and_samples(tryon: CatVTON) -> None:
    def resident(**fields: Any) -> int:
        return tryon.resident_bytes(Request(person="p", garment="g", mask="m", **fields))

    assert resident(width=768, height=2048) == 2 * resident(width=768, height=1024)
    assert resident(guidance=1.0) < resident(guidance=2.5) < resident(guidance=2.5, samples=2)
    assert resident() < resident(solver="dpmpp")
    latents = np.prod([2, 9 + 4, 2 * 128, 96]) * 4
    assert latents < resident(width=768, height=1024) < 50e6
