"""What the demo's try-on makes of people it has never seen: the right garment, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from model.engine import Job
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.presets import Quality
from model.engines.catvton.request import Request, Variant
from model.engines.pack import EnginePack
from model.runtime.device import open_device
from model.synthetic.datasets.sample_pictures import true_mask
from model.synthetic.fabrics.fabrics import Fabric
from model.synthetic.fabrics.garments import Garment
from model.synthetic.scene.person import Person, random_person
from model.synthetic.scene.photos import lay_flat, photograph
from model.synthetic.scene.picture import Picture
from model.weights.pack import DEMO

SIZE = 96, 128
SEED = 70_003  # no photo of anybody the networks were trained on
RED, BLUE = (0.80, 0.12, 0.12), (0.12, 0.20, 0.75)
VARIANTS = get_args(Variant)
PARTED = 30  # levels by which red is redder than blue

Dress = Callable[..., NDArray[np.uint8]]  # colour, variant and perhaps quality


def plain(colour: tuple[float, float, float]) -> Garment:
    return Garment("tshirt", Fabric("plain", (colour,) * 3), colour, hem=-0.08)


@pytest.fixture(scope="module")
def person() -> Person:
    """In a garment of neither colour, and a skirt."""
    wearer = random_person(np.random.default_rng(SEED), "upper")
    return wearer.wearing(replace(plain((0.85, 0.82, 0.75)), sleeve=0.34))


@pytest.fixture(scope="module")
def photo(person: Person) -> Picture:
    return photograph(person, *SIZE)


@pytest.fixture(scope="module")
def region(person: Person) -> NDArray[np.bool_]:
    """Where the new garment is in truth."""
    return photograph(person.wearing(plain(RED)), *SIZE).regions["upper"]


@pytest.fixture(scope="module")
def dress(photo: Picture, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dress]:
    """The person in a plain T-shirt of that colour, painted with a mask or without, remembered."""
    torch.set_num_threads(1)
    device, folder = open_device("cpu"), tmp_path_factory.mktemp("dressed")
    engine, dressed = CatVTON(DEMO, device), dict[tuple[str, Variant, Quality], NDArray[np.uint8]]()
    photo.photo.save(folder / "person.png")
    true_mask(photo, "upper").save(folder / "mask.png")

    async def run(request: Request, files: dict[str, Path], outputs: Path) -> None:
        async with device.live("tryon", engine.resident_bytes(request)):
            await engine.run(request, Job(files, outputs))

    def in_colour(name: str, variant: Variant, quality: Quality = "best") -> NDArray[np.uint8]:
        if (name, variant, quality) not in dressed:
            lay_flat(plain(RED if name == "red" else BLUE), *SIZE).save(folder / f"{name}.png")
            files = {"person": folder / "person.png", "garment": folder / f"{name}.png"}
            if variant == "mask":
                files["mask"] = folder / "mask.png"
            body = {"seed": 3, "variant": variant, "quality": quality, **dict.fromkeys(files, "given")}
            request = Request.model_validate(body, context=EnginePack("demo").defaults("catvton"))
            outputs = folder / variant / name / quality
            outputs.mkdir(parents=True)
            runner.run(run(request, files, outputs))
            dressed[name, variant, quality] = np.asarray(Image.open(outputs / "result.png").convert("RGB"))
        return dressed[name, variant, quality]

    yield in_colour
    device.close()


def mean(picture: NDArray[np.uint8], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    return picture[where].mean(0)  # type: ignore[no-any-return]


def near(mask: Image.Image) -> NDArray[np.bool_]:
    """The mask and as far around it as its soft seam, or a hem, reaches."""
    return cv2.dilate(np.asarray(mask), np.ones((21, 21), np.uint8)) > 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_red_garment_gives_a_red_shirt(dress: Dress, region: NDArray[np.bool_], variant: Variant) -> None:
    red, green, blue = mean(dress("red", variant), region)
    assert red > green + PARTED
    assert red > blue + PARTED


def test_the_fast_preset_gives_the_right_shirt_too(dress: Dress, region: NDArray[np.bool_]) -> None:
    red, green, blue = mean(dress("red", "mask", "fast"), region)
    assert red > max(green, blue) + PARTED
    assert (dress("red", "mask", "fast") != dress("red", "mask")).any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_another_garment_gives_another_shirt(dress: Dress, region: NDArray[np.bool_], variant: Variant) -> None:
    red, green, blue = mean(dress("blue", variant), region)
    assert blue > red + PARTED
    assert blue > green + PARTED


@pytest.mark.parametrize("colour", ["red", "blue"])
def test_the_face_does_not_move(dress: Dress, photo: Picture, colour: str) -> None:
    face = (photo.lip == 13) & ~near(true_mask(photo, "upper"))
    assert face.sum() > 50
    before = np.asarray(photo.photo).astype(int)
    assert np.abs(dress(colour, "mask").astype(int) - before)[face].max() == 0


@pytest.mark.parametrize("colour", ["red", "blue"])
def test_what_is_worn_below_stays_what_it_was(dress: Dress, photo: Picture, colour: str) -> None:
    below = photo.regions["lower"] & (np.asarray(true_mask(photo, "upper")) == 0)
    changed = np.abs(mean(dress(colour, "mask"), below) - mean(np.asarray(photo.photo), below))
    assert changed.max() < 4


@pytest.mark.parametrize("colour", ["red", "blue"])
def test_without_a_mask_what_is_below_the_hem_is_known_and_kept(dress: Dress, photo: Picture, colour: str) -> None:
    dressed, before = dress(colour, "maskfree"), np.asarray(photo.photo)
    skirt = photo.regions["lower"] & ~near(true_mask(photo, "upper"))
    assert skirt.sum() > 500
    assert np.abs(mean(dressed, skirt) - mean(before, skirt)).max() < 12  # all of it went through the networks
