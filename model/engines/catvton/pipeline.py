"""One request at work: its person is dressed, in one pass or in layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PIL import Image

from model.engine import Job
from model.engines.catvton.networks import Networks
from model.engines.catvton.request import Request
from model.engines.catvton.sampling import WALKS, sample, seeded
from model.tryon.masker import Masker
from model.tryon.pictures import picture_of, prepare
from model.tryon.reading import Inputs
from model.tryon.repaint import paste_back
from model.tryon.request import Category
from model.tryon.writing import Album, numbered


@dataclass(frozen=True)
class Pass:
    """One pass: a garment onto a photo. `mask` is None exactly for the mask-free variant."""

    photo: Image.Image
    garment: Image.Image
    mask: Image.Image | None


class TryOnPipeline:
    """The passes of one job."""

    def __init__(self, networks: Networks, masker: Masker, request: Request, job: Job, album: Album) -> None:
        self.networks = networks
        self.masker = masker
        self.request = request
        self.job = job
        self.album = album
        self._cpu = networks.device.cpu
        self._steps_done, self._steps = 0, request.steps

    async def dress(self, inputs: Inputs) -> None:
        """One pass, all samples together."""
        mask = await self._mask(inputs.photo, inputs.mask, self.request.category)
        dressing = Pass(inputs.photo, inputs.garments[0], mask)
        painted = await self._paint(dressing, self.request.seed, self.request.samples)
        self.job.progress("save", 0, 1)

        def save() -> None:
            for i, picture in enumerate(painted):
                result = self._worn(dressing, picture) if self.request.repaint else picture
                self.album.save(result, numbered("result", i))
            if self.request.return_mask and mask is not None:
                self.album.save_mask(mask, "mask")

        await self._cpu(save)

    async def dress_in_layers(self, inputs: Inputs) -> None:
        """Pass after pass on the result of the one before, each sample by itself."""
        self._steps = self.request.samples * len(inputs.garments) * self.request.steps
        for i in range(self.request.samples):
            await self._dress_sample(inputs, i)

    async def _dress_sample(self, inputs: Inputs, i: int) -> None:
        photo = inputs.photo
        for number, (layer, garment) in enumerate(zip(self.request.layers or [], inputs.garments, strict=True), 1):
            dressing = Pass(photo, garment, await self._mask(photo, None, layer.category))
            (painted,) = await self._paint(dressing, self.request.seed + i, samples=1)
            photo = await self._cpu(partial(self._worn, dressing, painted))
            await self._cpu(partial(self._save_step, dressing, photo, number, i))
        result = photo if self.request.repaint else painted
        await self._cpu(partial(self.album.save, result, numbered("result", i)))

    async def _mask(self, photo: Image.Image, given: Image.Image | None, category: Category) -> Image.Image | None:
        if self.networks.variant == "maskfree":
            if given is not None:
                self.job.warn("mask_unused", "the mask was not used: variant 'maskfree' paints the whole picture")
            return None
        if given is not None:
            return given
        self.job.progress("mask", 0, 1)
        return await self.masker(photo, category)

    async def _paint(self, dressing: Pass, seed: int, samples: int) -> list[Image.Image]:
        """The dressed person, width x height, as often as there are samples."""
        request, networks = self.request, self.networks
        # The published code, told to repeat itself, draws the two from generators of their own and equal seed.
        posterior, noise = seeded(seed, samples), seeded(seed, samples)
        walk = WALKS[request.solver](networks.noise_schedule, request.steps, request.eta)
        size = request.width, request.height
        prepared = await self._cpu(lambda: prepare(dressing.photo, dressing.garment, dressing.mask, size))

        self.job.progress("encode", 0, 1)
        condition = await networks.encode(prepared, samples, posterior, guided=request.guidance > 1)

        self.job.progress("denoise", self._steps_done, self._steps)
        channels = networks.latents.channels
        async for _, latents in sample(  # noqa: B007
            networks.denoiser, walk, condition, request.guidance, noise, channels
        ):
            self._steps_done += 1
            self.job.progress("denoise", self._steps_done, self._steps)

        self.job.progress("decode", 0, 1)
        painted = await networks.decode(latents, self.job.warn_of_tiles)
        return await self._cpu(lambda: [picture_of(tensor) for tensor in painted.cpu()])

    def _worn(self, dressing: Pass, painted: Image.Image) -> Image.Image:
        return paste_back(dressing.photo, painted, dressing.mask, self.job.max_output_pixels)

    def _save_step(self, dressing: Pass, photo: Image.Image, number: int, i: int) -> None:
        if self.request.return_steps:
            self.album.save(photo, numbered(f"step_{number}", i))
        if self.request.return_mask and dressing.mask is not None:
            self.album.save_mask(dressing.mask, numbered(f"mask_{number}", i))
