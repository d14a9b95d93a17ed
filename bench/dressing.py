"""A try-on and its stages, done both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from bench.contest import Contest, Work
from bench.flops import TryOnFlops, tryon_flops
from bench.plain.tryon import PlainTryOn
from model.diffusion.ddim import DDIM
from model.diffusion.noise import seeded
from model.engine import Job
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.request import Request
from model.engines.catvton.sampling import sample
from model.runtime.device import Device
from model.samples.samples import small_sample
from model.tryon.pictures import TryOnTensors, picture_of, tryon_tensors
from model.tryon.reading import read_inputs
from model.tryon.repaint import paste_back
from model.tryon.writing import Album

T = TypeVar("T")
Size = tuple[int, int]  # width, height

GUIDANCE, ETA, ROWS = 2.5, 1.0, 2
_PHOTO = (768, 1024)
_SHIFT = 8  # pixels between two inputs' pictures


class Dressing:
    """Both ways, with the same weights on the same device.

    Args:
        weights: a pack with the mask-based variant.
        folder: for what goes in and comes out.
    """

    def __init__(self, weights: Path, device: Device, folder: Path) -> None:
        self.device, self.folder, self.weights = device, folder, weights
        self.plain = PlainTryOn(weights, device.torch_device, device.dtype)
        self.engine: Any = CatVTON(weights, device)
        self.networks = self.engine.networks["mask"]
        self._runner = asyncio.Runner()
        for network in (self.plain.unet, self.plain.vae, *self._our_modules()):
            touch(network)

    def _our_modules(self) -> list[torch.nn.Module]:
        return [self.networks.denoiser.module, self.networks.encoder.module, self.networks.decoder.module]

    @cached_property
    def exact(self) -> PlainTryOn:
        """The plain way in float32."""
        if self.device.dtype == torch.float32:
            return self.plain
        return PlainTryOn(self.weights, self.device.torch_device, torch.float32)

    def stages(self, size: Size, pairs: int) -> list[Contest]:
        """Encoding a picture, one step with guidance, and decoding."""
        generator = Generator().manual_seed(0)
        (width, height), channels = size, self.networks.latents.channels
        h, w = height // self.networks.latents.downsampling, width // self.networks.latents.downsampling
        pictures = [torch.rand((1, 3, height, width), generator=generator) * 2 - 1 for _ in range(pairs + 1)]
        condition = torch.randn((ROWS, 1 + channels, 2 * h, w), generator=generator).to(self.device.torch_device)
        latents = torch.randn((1, channels, 2 * h, w), generator=generator).to(self.device.torch_device)
        ddim = DDIM(self.networks.noise_schedule, 1, ETA)

        def encode(i: int) -> Tensor:
            return torch.cat(self._run(lambda: self.networks.encoder(pictures[i].to(self.device.torch_device))))

        async def step(i: int) -> Tensor:
            steps = sample(self.networks.denoiser, ddim, condition, GUIDANCE, seeded(i, 1), channels)
            [(_, after)] = [done async for done in steps]
            return after

        def run_step(i: int) -> Tensor:
            return self._run(lambda: step(i))

        def plain_encode(way: PlainTryOn) -> Work:
            @torch.no_grad()
            def encode(i: int) -> Tensor:
                moments = way.vae.encode(pictures[i].to(way.device, way.dtype)).latent_dist
                return torch.cat([moments.mean, moments.logvar])

            return encode

        def plain_step(way: PlainTryOn) -> Work:
            there = condition.to(way.dtype)
            return lambda i: way.denoise(there, way.normal(i), steps=1, guidance=GUIDANCE, eta=ETA)

        def plain_decode(way: PlainTryOn) -> Work:
            return lambda i: way.decode(latents.to(way.dtype))

        def decode(i: int) -> Tensor:
            return self._run(lambda: self.networks.decode(latents))

        return [
            self._contest("encode a picture", plain_encode, encode, lambda: self._flops(size).encode),
            self._contest("a step", plain_step, run_step, lambda: ROWS * self._flops(size).row),
            self._contest("decode a picture", plain_decode, decode, lambda: self._flops(size).decode),
        ]

    def whole(self, size: Size, steps: int, pairs: int) -> Contest:
        """From files of pictures to the file of the result."""
        files, request = [self.files(i) for i in range(pairs + 1)], request_of(size, steps)

        def dress(i: int) -> Tensor:
            self._run(lambda: self.engine.run(request, Job(files[i], self.folder)))
            return pixels(self.folder / "result.png")

        def plain_dress(way: PlainTryOn) -> Work:
            def dress(i: int) -> Tensor:
                person, garment, mask = (Image.open(files[i][name]) for name in ("person", "garment", "mask"))
                prepared = tryon_tensors(person, garment, mask, size)
                painted = way(prepared, seed=0, steps=steps, guidance=GUIDANCE, eta=ETA)
                Image.fromarray(painted).save(self.folder / "plain.png")
                return pixels(self.folder / "plain.png")

            return dress

        def flops() -> int:
            return self._flops(size).request(steps, ROWS)

        return self._contest(f"a try-on of {steps} step{'s' if steps > 1 else ''}", plain_dress, dress, flops)

    def around(self, size: Size) -> dict[str, Callable[[], object]]:
        """What is done to files and pictures before and after the networks."""
        files, request = self.files(0), request_of(size, 1)
        inputs = read_inputs(request, files)
        painted = torch.zeros((3, size[1], size[0]))

        def save() -> None:
            worn = paste_back(inputs.photo, picture_of(painted), inputs.mask, max_pixels=2**25)
            Album(inputs.photo, "png", self.folder).save(worn, "result")

        def read() -> TryOnTensors:
            inputs = read_inputs(request, files)
            return tryon_tensors(inputs.photo, inputs.garments[0], inputs.mask, size)

        return {"prepare": read, "save": save}

    def _flops(self, size: Size) -> TryOnFlops:
        return tryon_flops(self.weights, size)

    def _contest(self, what: str, plain: Callable[[PlainTryOn], Work], ours: Work, flops: Callable[[], int]) -> Contest:
        """Ours does no less: no exact saving in a step of a try-on is worth counting."""
        way = plain(self.plain)
        exact = way if self.exact is self.plain else plain(self.exact)
        return Contest(what, way, ours, exact, lambda: (counted := flops(), counted))

    def files(self, i: int) -> dict[str, Path]:
        """Pictures as a phone sends them, unlike those of any other number."""
        files = {}
        for name, file in small_sample().items():
            picture = np.asarray(Image.open(file).resize(_PHOTO))
            files[name] = self.folder / f"{name}_{i}.png"
            Image.fromarray(np.roll(picture, _SHIFT * i, axis=1)).save(files[name])
        return files

    def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def alone() -> T:
            async with self.device.live(self.engine.name, 0):
                return await work()

        # Not the runner's own `run`: that writes the result out in words, for nobody and in milliseconds.
        return self._runner.get_loop().run_until_complete(alone())

    def close(self) -> None:
        self._runner.close()
        self.device.close()


def request_of(size: Size, steps: int) -> Request:
    """With a mask of its own, and answered as it was painted."""
    width, height = size
    body = {"type": "tryon", "person": "drawn", "garment": "drawn", "mask": "drawn", "repaint": False, "seed": 0}
    body["crop"] = "centre"  # as the plain way
    chosen = {"width": width, "height": height, "steps": steps, "guidance": GUIDANCE, "eta": ETA}
    return Request.model_validate(body | chosen)


def pixels(file: Path) -> Tensor:
    """(H, W, 3)"""
    return torch.from_numpy(np.array(Image.open(file)))


def touch(network: torch.nn.Module) -> None:
    """Read the weights, which may be mapped from their files and not in memory yet."""
    for tensor in network.parameters():
        tensor.sum()
