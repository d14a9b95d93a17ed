"""A pack of the warping try-on with random networks, and a way to run requests."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from model.engine import Job
from model.engines.warp.engine import Warp
from model.engines.warp.files import WEIGHTS
from model.engines.warp.network import WarpNetwork
from model.engines.warp.request import Request
from model.perception.files import label_map_files
from model.runtime.device import open_device
from model.weights.pack import DEMO


def write_random_weights(folder: Path) -> None:
    """Networks that know nothing, in the layout of trained ones."""
    torch.manual_seed(0)
    (folder / WEIGHTS).parent.mkdir(parents=True, exist_ok=True)
    tensors = WarpNetwork().state_dict()
    save_file({name: tensor.half().contiguous() for name, tensor in tensors.items()}, folder / WEIGHTS)


@pytest.fixture(scope="session")
def warp_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without label networks."""
    folder = tmp_path_factory.mktemp("warp")
    write_random_weights(folder)
    return folder


@pytest.fixture(scope="session")
def labelling_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the built-in label networks."""
    folder = tmp_path_factory.mktemp("labelling")
    write_random_weights(folder)
    copy_label_networks(folder)
    return folder


def copy_label_networks(folder: Path) -> None:
    """The built-in ones."""
    for file in label_map_files(DEMO):
        copy = folder / file.relative_to(DEMO)
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, copy)


class Shop:
    """Runs requests, each in a fresh folder."""

    def __init__(self, weights: Path, runner: asyncio.Runner, folder: Path) -> None:
        torch.set_num_threads(1)
        self.device = open_device("cpu")
        self.engine = Warp(weights, self.device)
        self.runner, self.folder, self.jobs = runner, folder, 0

    def dress(self, files: dict[str, Path], *, max_output_pixels: int = 2**25, **fields: Any) -> dict[str, Path]:
        """What comes out, by name."""
        request = self.request(files, **fields)
        self.job = self._job(files, max_output_pixels)
        self.runner.run(self._live(request, self.job))
        return {file.name: file for file in self.job.outputs.iterdir()}

    def dress_all(self, all_files: list[dict[str, Path]], **fields: Any) -> list[Path]:
        """Several requests at once; their results."""
        jobs = [self._job(files) for files in all_files]
        requests = [self.request(files, **fields) for files in all_files]

        async def together() -> None:
            await asyncio.gather(*(self._live(request, job) for request, job in zip(requests, jobs, strict=True)))

        self.runner.run(together())
        return [job.outputs / "result.png" for job in jobs]

    def request(self, files: dict[str, Path], **fields: Any) -> Request:
        named = {name: "given" for name in files if "." not in name}
        return Request.model_validate({**named, "width": 96, "height": 128, **fields})

    def _job(self, files: dict[str, Path], max_output_pixels: int = 2**25) -> Job:
        outputs = self.folder / str(self.jobs)
        outputs.mkdir()
        self.jobs += 1
        return Job(files, outputs, max_output_pixels=max_output_pixels)

    async def _live(self, request: Request, job: Job) -> None:
        async with self.device.live("warp", self.engine.resident_bytes(request)):
            await self.engine.run(request, job)


@pytest.fixture
def shop(warp_weights: Path, runner: asyncio.Runner, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(warp_weights, runner, tmp_path)
    yield shop
    shop.device.close()


@pytest.fixture
def labelling_shop(labelling_weights: Path, runner: asyncio.Runner, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(labelling_weights, runner, tmp_path)
    yield shop
    shop.device.close()
