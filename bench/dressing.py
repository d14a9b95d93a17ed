"""A try-on and its stages, done both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Generator, Tensor

from bench.both_ways import BothWays, Size, pixels, touch, whole
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
from model.tryon.pictures import TryOnTensors, picture_of, tryon_tensors
from model.tryon.reading import read_inputs
from model.tryon.repaint import paste_back
from model.tryon.writing import Album

GUIDANCE, ETA, ROWS = 2.5, 1.0, 2


class Dressing(BothWays[PlainTryOn]):
    """CatVTON, mask-based."""

    def __init__(self, weights: Path, device: Device, folder: Path) -> None:
        super().__init__(weights, device, folder)
        self.engine = CatVTON(weights, device)
        self.networks = self.engine.networks["mask"]
        for network in (self.plain.unet, self.plain.vae, *self._our_modules()):
            touch(network)

    def _our_modules(self) -> list[torch.nn.Module]:
        return [self.networks.denoiser.module, self.networks.encoder.module, self.networks.decoder.module]

    def plain_way(self, dtype: torch.dtype) -> PlainTryOn:
        return PlainTryOn(self.weights, self.device.torch_device, dtype)

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
            return torch.cat(self.run(lambda: self.networks.encoder(pictures[i].to(self.device.torch_device))))

        async def step(i: int) -> Tensor:
            steps = sample(self.networks.denoiser, ddim, condition, GUIDANCE, seeded(i, 1), channels)
            [(_, after)] = [done async for done in steps]
            return after

        def run_step(i: int) -> Tensor:
            return self.run(lambda: step(i))

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
            picture: Tensor = self.run(lambda: self.networks.decode(latents))
            return picture

        # Ours does no less: no exact saving in a step of a try-on is worth counting.
        return [
            self.contest("encode a picture", plain_encode, encode, lambda: (self._flops(size).encode,) * 2),
            self.contest("a step", plain_step, run_step, lambda: (ROWS * self._flops(size).row,) * 2),
            self.contest("decode a picture", plain_decode, decode, lambda: (self._flops(size).decode,) * 2),
        ]

    def whole(self, size: Size, steps: int, pairs: int) -> Contest:
        files, request = [self.files(i) for i in range(pairs + 1)], request_of(size, steps)

        def dress(i: int) -> Tensor:
            self.run(lambda: self.engine.run(request, Job(files[i], self.folder)))
            return pixels(self.folder / "result.png")

        def plain_dress(way: PlainTryOn) -> Work:
            def dress(i: int) -> Tensor:
                person, garment, mask = (Image.open(files[i][name]) for name in ("person", "garment", "mask"))
                prepared = tryon_tensors(person, garment, mask, size)
                painted = way(prepared, seed=0, steps=steps, guidance=GUIDANCE, eta=ETA)
                Image.fromarray(painted).save(self.folder / "plain.png")
                return pixels(self.folder / "plain.png")

            return dress

        return self.contest(whole(steps), plain_dress, dress, lambda: (self._flops(size).request(steps, ROWS),) * 2)

    def around(self, size: Size) -> dict[str, Callable[[], object]]:
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


def request_of(size: Size, steps: int) -> Request:
    """With a mask of its own, and answered as it was painted."""
    width, height = size
    body = {"type": "tryon", "person": "drawn", "garment": "drawn", "mask": "drawn", "repaint": False, "seed": 0}
    body["crop"] = "centre"  # as the plain way
    chosen = {"width": width, "height": height, "steps": steps, "guidance": GUIDANCE, "eta": ETA}
    return Request.model_validate(body | chosen)
