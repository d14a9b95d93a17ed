"""OOTDiffusion (`hd`) against the plain way."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
from torch import Generator, Tensor

from bench.both_ways import BothWays, Size, pixels, touch, whole
from bench.contest import Contest, Work
from bench.flops import outfitting_flops
from bench.plain.outfitting import PlainOutfitting, plain_features, plain_step
from model.engine import Job
from model.engines.ootdiffusion.engine import OOTDiffusion
from model.engines.ootdiffusion.networks import GarmentFeatures, PersonLatents
from model.engines.ootdiffusion.pictures import PassPictures, stretched
from model.engines.ootdiffusion.request import Request
from model.runtime.device import Device
from model.tryon.painter import Pass
from model.tryon.pictures import picture_of
from model.tryon.reading import read_inputs
from model.tryon.writing import Album

GUIDANCE, TIMESTEP = 2.0, 801
_CELL = 8  # pixels of a latent


class Outfitting(BothWays[PlainOutfitting]):
    """Pictures are stretched to the size, as the published script does, and nothing is pasted back."""

    def __init__(self, weights: Path, device: Device, folder: Path) -> None:
        super().__init__(weights, device, folder)
        self.engine = OOTDiffusion(weights, device)
        self.networks = self.engine.networks
        self.variant = self.networks.variants["hd"]
        for network in (self.plain.garment, self.plain.denoiser, self.plain.vae):
            touch(network)
        for batched in (self.variant.garment_pass, self.variant.denoiser, self.networks.decoder):
            touch(batched.module)

    def plain_way(self, dtype: torch.dtype) -> PlainOutfitting:
        return PlainOutfitting(self.weights, self.device.torch_device, dtype)

    def stages(self, size: Size, pairs: int) -> list[Contest]:
        """The garment's pass and a first step, one step more with guidance, and decoding.

        A garment's pass alone has nothing to be compared: the plain way keeps tokens, ours keys and values.
        """
        generator, (width, height) = Generator().manual_seed(0), size
        where, cells = self.device.torch_device, (1, 4, height // _CELL, width // _CELL)
        latents, seen = (
            [torch.randn(cells, generator=generator).to(where) for _ in range(pairs + 1)] for _ in range(2)
        )
        person = torch.randn(cells, generator=generator).to(where)
        depth = self.variant.stock.config.cross_attention_dim
        prompt = torch.randn((1, 2, depth), generator=generator).to(where)
        photo = PersonLatents(person, person, torch.ones_like(person[:, :1]))

        def rows(i: int) -> tuple[Tensor, Tensor]:
            return torch.cat([seen[i], torch.zeros_like(seen[i])]), prompt.expand(2, -1, -1)

        @torch.no_grad()
        def plain_features_of(way: PlainOutfitting, i: int) -> list[Tensor]:
            return plain_features(way.garment, *(one.to(way.dtype) for one in rows(i)))

        @torch.no_grad()
        def plain_noise(way: PlainOutfitting, features: list[Tensor], i: int) -> Tensor:
            both, photos = (one.expand(2, -1, -1, -1).to(way.dtype) for one in (latents[i], person))
            return plain_step(way.denoiser, features, both, TIMESTEP, photos, prompt.expand(2, -1, -1).to(way.dtype))

        def plain_first(way: PlainOutfitting) -> Work:
            return lambda i: plain_noise(way, plain_features_of(way, i), i)

        def plain_next(way: PlainOutfitting) -> Work:
            features = cache(lambda: plain_features_of(way, 0))
            return lambda i: plain_noise(way, features(), i)

        def plain_decode(way: PlainOutfitting) -> Work:
            return lambda i: way.decode(latents[i])

        async def see(i: int) -> GarmentFeatures:
            keys = await self.variant.garment_pass(*rows(i))
            return GarmentFeatures(prompt, tuple(key[None] for key in keys))

        async def noise(garment: GarmentFeatures, i: int) -> Tensor:
            predicted: Tensor = await self.networks.predict("hd", latents[i], TIMESTEP, photo, garment)
            return predicted[0]

        async def first(i: int) -> Tensor:
            return await noise(await see(i), i)

        garment = cache(lambda: self.run(lambda: see(0)))

        def next_step(i: int) -> Tensor:
            seen_before = garment()
            return self.run(lambda: noise(seen_before, i))

        plain, ours = outfitting_flops(self.weights, size)
        return [
            self.contest(
                "a garment and a step",
                plain_first,
                lambda i: self.run(lambda: first(i)),
                lambda: (plain.garment + plain.step, ours.garment + ours.step),
            ),
            self.contest("a step", plain_next, next_step, lambda: (plain.step, ours.step)),
            self.contest(
                "decode a picture",
                plain_decode,
                lambda i: self.run(lambda: self.networks.decode(latents[i])),
                lambda: (plain.decode, ours.decode),
            ),
        ]

    def whole(self, size: Size, steps: int, pairs: int) -> Contest:
        files, request = [self.files(i) for i in range(pairs + 1)], request_of(size, steps)

        def dress(i: int) -> Tensor:
            self.run(lambda: self.engine.run(request, Job(files[i], self.folder)))
            return pixels(self.folder / "result.png")

        def plain_dress(way: PlainOutfitting) -> Work:
            def dress(i: int) -> Tensor:
                painted = way(self._pictures(size, files[i]), seed=0, steps=steps, guidance=GUIDANCE)
                picture_of(painted.float().cpu()).save(self.folder / "plain.png")
                return pixels(self.folder / "plain.png")

            return dress

        plain, ours = outfitting_flops(self.weights, size)
        return self.contest(whole(steps), plain_dress, dress, lambda: (plain.request(steps), ours.request(steps)))

    def around(self, size: Size) -> dict[str, Callable[[], object]]:
        files, painted = self.files(0), torch.zeros((3, size[1], size[0]))
        photo = read_inputs(request_of(size, 1), files).photo
        return {
            "prepare": lambda: self._pictures(size, files),
            "save": lambda: Album(photo, "png", self.folder).save(picture_of(painted), "result"),
        }

    def _pictures(self, size: Size, files: dict[str, Path]) -> PassPictures:
        inputs = read_inputs(request_of(size, 1), files)
        return stretched(Pass(inputs.photo, inputs.garments[0], inputs.mask, "upper"), size)


def request_of(size: Size, steps: int) -> Request:
    """With a mask of its own, as the published script treats it."""
    body = {"type": "tryon", "person": "drawn", "garment": "drawn", "mask": "drawn", "reference": True, "seed": 0}
    chosen = {"width": size[0], "height": size[1], "steps": steps, "guidance": GUIDANCE, "variant": "hd"}
    return Request.model_validate(body | chosen)
