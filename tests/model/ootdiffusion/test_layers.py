"""One outfit by two engines: each pass is what its engine would have made of it alone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from model.engine import Job, Loaded
from model.engines.catvton.files import FOLDERS
from model.engines.registry import engine_class
from model.runtime.device import Device, open_device
from tests.model.conftest import DATA
from tests.model.ootdiffusion.recorded import GOLDEN
from tests.model.tryon.drawing import array, noise, opened, saved
from tests.model.tryon.labelled import draw_labelled, write_networks

SIZE = {"width": 96, "height": 128, "steps": 2}
ENGINES = ("catvton", "ootdiffusion")


class Studio(NamedTuple):
    """Engines on one device."""

    engines: dict[str, Loaded]
    device: Device

    def dress(self, name: str, files: dict[str, Path], out: Path, runner: asyncio.Runner, **fields: Any) -> Path:
        """The folder of what comes out."""
        loaded, named = self.engines[name], {file: "given" for file in files if "." not in file}
        request = loaded.request({**named, "seed": 3, "crop": "centre", **fields})
        out.mkdir()

        async def live() -> None:
            async with self.device.live(name, loaded.engine.resident_bytes(request)):
                await loaded.engine.run(request, Job(files, out, engines=self.engines))

        runner.run(live())
        return out


@pytest.fixture
def studio(runner: asyncio.Runner, tmp_path: Path) -> Iterator[Studio]:
    """Both on one device, with label networks that know the colours of a drawing."""
    if not GOLDEN.is_dir():
        pytest.skip("the reference data is not here")
    folder = tmp_path / "weights"
    folder.mkdir()
    write_networks(folder)
    (folder / "ootdiffusion").symlink_to(GOLDEN / "checkpoints")
    shutil.copytree(DATA / "weights" / FOLDERS["mask"], folder / FOLDERS["mask"])
    device = open_device("cpu")
    yield Studio({name: Loaded(engine_class(name)(folder, device), SIZE) for name in ENGINES}, device)
    device.close()


def test_an_outfit_of_two_engines_is_one_try_on_after_the_other(
    studio: Studio, runner: asyncio.Runner, tmp_path: Path
) -> None:
    person, upper, lower = (
        saved(picture, tmp_path / f"{name}.png")
        for name, picture in (("p", draw_labelled((192, 256))), ("u", noise(48, 64)), ("l", noise(60, 80)))
    )
    files = {"person": person, "layers.0.garment": upper, "layers.1.garment": lower}
    layers = [
        {"garment": "given", "category": "upper"},
        {"garment": "given", "category": "lower", "engine": "ootdiffusion"},
    ]
    outfit = studio.dress("catvton", files, tmp_path / "both", runner, layers=layers, return_steps=True)
    first = studio.dress("catvton", {"person": person, "garment": upper}, tmp_path / "1", runner, category="upper")
    assert (outfit / "step_1.png").read_bytes() == (first / "result.png").read_bytes()
    worn = {"person": first / "result.png", "garment": lower}
    second = studio.dress("ootdiffusion", worn, tmp_path / "2", runner, category="lower")
    assert (outfit / "result.png").read_bytes() == (second / "result.png").read_bytes()
    assert (array(opened(outfit / "result.png")) != array(opened(first / "result.png"))).any()
