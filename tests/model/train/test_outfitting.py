"""OOTDiffusion's UNets are trained from a pack, and what comes out is served as it is."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Generator, Tensor

from model.diffusion.fast_unet import FastUNet
from model.engine import Job
from model.engines.check import check
from model.engines.ootdiffusion import checkpoint
from model.engines.ootdiffusion.engine import OOTDiffusion
from model.engines.ootdiffusion.files import unet_folder
from model.engines.ootdiffusion.fusion import Denoiser, GarmentPass
from model.engines.ootdiffusion.request import Request
from model.engines.pack import EnginePack
from model.runtime.device import open_device
from model.train.errors import DataSetError
from model.train.kinds import read_settings
from model.train.loop import train
from model.train.outfitting.networks import OutfittingUNets
from model.train.outfitting.settings import OutfittingTraining
from model.train.outfitting.task import OutfittingTask
from model.weights.layout import tensor_file
from model.weights.pack import DEMO
from tests.model.train.small import HEIGHT, QUICK, WIDTH, data_set
from tests.server import ROOT

_CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_set(tmp_path_factory.mktemp("pictures") / "data")


def settings(data: Path, folder: Path, name: str = "a", **changes: Any) -> OutfittingTraining:
    """Two steps on the CPU, everything under `folder`."""
    quick: dict[str, Any] = {
        "engine": "ootdiffusion",
        "start": "demo",
        "data": str(data),
        "out": str(folder / name),
        **QUICK,
    }
    read = read_settings(quick | changes)
    assert isinstance(read, OutfittingTraining)
    return read


def unet(pack: Path, name: str) -> dict[str, Tensor]:
    return load_file(tensor_file(unet_folder(pack, "hd", name)))


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key].to(one[key])) for key in one)


@torch.no_grad()
def test_what_is_trained_is_what_answers_requests() -> None:
    """The plain form, with gradients, beside the one with cached keys."""
    garment, denoiser = (
        checkpoint.unet(DEMO, "hd", name).load(_CPU, torch.float32) for name in ("unet_garm", "unet_vton")
    )
    generator = Generator().manual_seed(1)
    seen, noisy, person = (torch.randn((2, 4, 16, 8), generator=generator) for _ in range(3))
    prompt, timesteps = torch.randn((2, 2, 16), generator=generator), torch.tensor([999, 35])
    plain = OutfittingUNets(garment, denoiser)(seen, prompt, noisy, timesteps, person)
    fast_garment, fast = (
        FastUNet(checkpoint.unet(DEMO, "hd", name).load(_CPU, torch.float32), steps)  # type: ignore[arg-type]
        for name, steps in (("unet_garm", 1), ("unet_vton", 1000))
    )
    keys = GarmentPass(fast_garment, fast)(seen, prompt)
    predicted = Denoiser(fast)(noisy, timesteps, person, prompt, *(key[:, None] for key in keys))
    assert (predicted[:, 0] - plain).abs().max() < 1e-4 * plain.abs().max()


@pytest.mark.parametrize("trainable", ["both", "garment"])
def test_every_weight_that_is_trained_has_a_gradient(pictures: Path, tmp_path: Path, trainable: str) -> None:
    """Or training on several devices would wait for it for ever."""
    task = OutfittingTask(settings(pictures, tmp_path, trainable=trainable), _CPU)
    torch.autograd.backward([task.loss(task.module, task.source.batch([0, 1]), Generator().manual_seed(0))])
    named = dict(task.module.named_parameters())
    trained = {name for name, parameter in named.items() if parameter.requires_grad}
    assert {name for name, parameter in named.items() if parameter.grad is not None} == trained
    assert {name.split(".")[0] for name in trained} == ({"garment", "denoiser"} if trainable == "both" else {"garment"})


def test_it_learns(pictures: Path, tmp_path: Path) -> None:
    task = OutfittingTask(settings(pictures, tmp_path), _CPU)
    batch = task.source.batch([0, 1, 2, 3])

    def loss() -> float:
        with torch.no_grad():
            return task.loss(task.module, batch, Generator().manual_seed(0)).item()

    before = loss()
    train(settings(pictures, tmp_path, max_steps=25, batch_size=4, learning_rate=5e-3, half=False))
    task = OutfittingTask(settings(pictures, tmp_path, start=str(tmp_path / "a")), _CPU)
    assert loss() < 0.8 * before


def test_a_garment_that_is_dropped_is_not_seen(pictures: Path, tmp_path: Path) -> None:
    task = OutfittingTask(settings(pictures, tmp_path, garment_dropout=1.0), _CPU)
    batch = task.source.batch([0, 1])
    other = type(batch)(batch.person, batch.masked, batch.garment.flip(0), batch.pixels, batch.categories)
    losses = [task.loss(task.module, one, Generator().manual_seed(0)).item() for one in (batch, other)]
    assert losses[0] == losses[1]
    seen = OutfittingTask(settings(pictures, tmp_path, garment_dropout=0.0), _CPU)
    losses = [seen.loss(seen.module, one, Generator().manual_seed(0)).item() for one in (batch, other)]
    assert losses[0] != losses[1]


def test_what_was_trained_is_served_as_it_is(pictures: Path, tmp_path: Path) -> None:
    train(settings(pictures, tmp_path, trainable="garment", picture_steps=2))
    out = tmp_path / "a"
    (report,) = (one for one in check(EnginePack(out)) if one.engine == "ootdiffusion")
    assert report.problems == []
    assert "own training" in report.licence
    assert not EnginePack(out).facts(tensor_file(unet_folder(out, "hd", "unet_garm"))).untrained
    assert EnginePack(out).defaults("ootdiffusion") == {"width": WIDTH, "height": HEIGHT, "steps": 2, "guidance": 2.0}
    assert same(unet(DEMO, "unet_vton"), unet(out, "unet_vton"))
    assert not same(unet(DEMO, "unet_garm"), unet(out, "unet_garm"))
    assert (tmp_path / "a-logs/step-00000002.png").is_file()
    part = pictures / "train"
    files = {"person": part / "image/00000_00.jpg", "garment": part / "cloth/00001_00.jpg"}
    files["mask"] = part / "agnostic-mask/00000_00_mask.png"
    request = Request(seed=1, **dict.fromkeys(files, "given"), **EnginePack(out).defaults("ootdiffusion"))
    (tmp_path / "outputs").mkdir()

    async def run() -> None:
        device = open_device("cpu")
        engine = OOTDiffusion(out, device)
        async with device.live("ootdiffusion", engine.resident_bytes(request)):
            await engine.run(request, Job(files, tmp_path / "outputs"))
        device.close()

    asyncio.run(run())
    assert (tmp_path / "outputs/result.png").is_file()


def test_a_training_that_stopped_goes_on_to_the_same_weights(pictures: Path, tmp_path: Path) -> None:
    both: dict[str, Any] = {"max_steps": 4, "ema": 0.9, "half": False}
    train(settings(pictures, tmp_path, "a", **both))
    train(settings(pictures, tmp_path, "b", checkpoint_steps=2, keep=9, **both))
    (tmp_path / "b-checkpoints/step-00000004.pt").unlink()  # as if it had ended after the second step
    shutil.rmtree(tmp_path / "b")
    train(settings(pictures, tmp_path, "b", **both))
    for name in ("unet_garm", "unet_vton"):
        assert same(unet(tmp_path / "a", name), unet(tmp_path / "b", name))


def test_two_processes_train_one_pack(pictures: Path, tmp_path: Path) -> None:
    """By torchrun, as the documents say; on CPUs they average their gradients through gloo."""
    chosen = settings(pictures, tmp_path, batch_size=1, max_steps=1, half=False)
    given = chosen.model_dump(mode="json", exclude_unset=True) | {"engine": "ootdiffusion", "data": str(pictures)}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launcher, "model", "train", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall("training [0-9,]+ parameters on 4 samples", done.stderr)) == 2
    train(settings(pictures, tmp_path, "alone", batch_size=1, max_steps=1, half=False))
    for name in ("unet_garm", "unet_vton"):
        trained = unet(tmp_path / "a", name)
        assert not same(unet(DEMO, name), trained)
        assert not same(unet(tmp_path / "alone", name), trained)  # what the other process saw counts, too


def test_trousers_are_not_for_the_variant_of_tops(pictures: Path, tmp_path: Path) -> None:
    part = tmp_path / "dresscode/lower_body"
    (part / "images").mkdir(parents=True)
    (part / "agnostic_masks").mkdir()
    source = pictures / "train"
    shutil.copy(source / "image/00000_00.jpg", part / "images/0_0.jpg")
    shutil.copy(source / "cloth/00000_00.jpg", part / "images/0_1.jpg")
    shutil.copy(source / "agnostic-mask/00000_00_mask.png", part / "agnostic_masks/0_0.png")
    (part / "train_pairs.txt").write_text("0_0.jpg 0_1.jpg\n")
    with pytest.raises(DataSetError, match="upper garments"):
        OutfittingTask(settings(part.parent, tmp_path), _CPU)
    task = OutfittingTask(settings(part.parent, tmp_path, variant="dc"), _CPU)
    assert task.source.batch([0]).categories == ("lower",)


def test_a_start_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'start' is needed"):
        settings(tmp_path, tmp_path, start="none")
