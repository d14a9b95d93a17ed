"""One request at work, whoever paints: its person is dressed, in one pass or in layers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PIL import Image

from model.engine import Job
from model.pictures.colour import in_space, profile_of
from model.tryon.crop import box_of, chosen_box, keeps_centre, scaled, share_outside
from model.tryon.garment_kind import with_categories
from model.tryon.painter import Painter, Pass
from model.tryon.pictures import Box, Size, crop_box
from model.tryon.reading import TryOnInputs, read_inputs
from model.tryon.request import Category, Crop, Layer, TryOnRequest, named
from model.tryon.sampling_request import WARP, SampledTryOnRequest
from model.tryon.writing import OMOIB_QUALITY, QUALITY, Album, numbered


async def dress(engine: Painter, request: TryOnRequest, job: Job) -> None:
    """Read the pictures, dress the person, or only find the mask, and write what was asked for."""
    if not request.mask_only:
        engine.check(request)
    job.progress("prepare", 0, 1)
    inputs = await engine.device.cpu(lambda: read_inputs(request, job.inputs, job.warn))
    quality = request.output.quality or (QUALITY if request.user_id is None else OMOIB_QUALITY)
    cutout = inputs.cutout if request.output.keep_alpha else None
    output = request.output
    album = Album(
        inputs.photo, output.format, job.outputs, job.max_output_pixels, quality, cutout, max_side=output.max_side
    )
    if request.repaint and inputs.photo.width * inputs.photo.height > job.max_output_pixels and not output.max_side:
        job.warn("resized", f"no result has more than {job.max_output_pixels} pixels here: the photo was shrunk to it")
    request = await with_categories(engine, request, inputs, job)
    dressing = Dressing(engine, request, job, album, inputs.cutout)
    if request.mask_only:
        await dressing.find_mask(inputs)
    elif request.layers:
        await dressing.in_layers(inputs, request.layers)
    else:
        await dressing.at_once(inputs)
    job.progress("save", 1, 1)


class Dressing:
    """The passes of one job."""

    def __init__(
        self, engine: Painter, request: TryOnRequest, job: Job, album: Album, cutout: Image.Image | None
    ) -> None:
        self.engine = engine
        self.request = request
        self.job = job
        self.album = album
        self.cutout = cutout  # of the photo, if parts of it are transparent
        self._cpu = engine.device.cpu
        self._passes_done, self._passes = 0, 1

    async def find_mask(self, inputs: TryOnInputs) -> None:
        """The automatic mask and no more."""
        self.job.progress("mask", 0, 1)
        mask = await self.engine.masker.for_job(inputs.photo, named(self.request.category), self.request, self.job)
        await self._cpu(lambda: self.album.save_mask(mask, "mask", self.request.output.format))

    async def at_once(self, inputs: TryOnInputs) -> None:
        """One pass, all samples together."""
        request, category = self.request, named(self.request.category)
        mask = await self._mask(self.engine, request, inputs.photo, inputs.mask, category)
        worn = await self._pass(self.engine, request, inputs.photo, inputs.garments[0], mask, category)
        painted = await self._paint(self.engine, request, worn, request.seed, request.samples)
        self.job.progress("save", 0, 1)

        def save() -> None:
            for i, picture in enumerate(painted):
                result = (
                    self._pasted(self.engine, worn, picture)
                    if request.repaint
                    else in_space(picture, profile_of(worn.photo))
                )
                self.album.save(result, numbered("result", i))
            if request.return_mask and mask is not None:
                self.album.save_mask(mask, "mask")

        await self._cpu(save)

    async def in_layers(self, inputs: TryOnInputs, layers: list[Layer]) -> None:
        """Pass after pass on the result of the one before, each sample by itself, each layer by the engine it names."""
        self._passes = self.request.samples * len(layers)
        for i in range(self.request.samples):
            await self._outfit(inputs, layers, i)

    async def _outfit(self, inputs: TryOnInputs, layers: list[Layer], i: int) -> None:
        photo = inputs.photo
        for number, (layer, garment) in enumerate(zip(layers, inputs.garments, strict=True), 1):
            (engine, request), category = self._by(layer), named(layer.category)
            mask = await self._mask(engine, request, photo, None, category)
            worn = await self._pass(engine, request, photo, garment, mask, category)
            (painted,) = await self._paint(engine, request, worn, self.request.seed + i, samples=1)
            photo = await self._cpu(partial(self._pasted, engine, worn, painted))
            await self._cpu(partial(self._save_step, worn, photo, number, i))
        result = photo if self.request.repaint else in_space(painted, profile_of(worn.photo))
        await self._cpu(partial(self.album.save, result, numbered("result", i)))

    def _by(self, layer: Layer) -> tuple[Painter, TryOnRequest]:
        """Who paints a layer, and the request of that pass."""
        if layer.engine in (None, self.engine.name):
            return self.engine, self.request
        loaded = self.job.engines[layer.engine]
        request = loaded.request(self.request.of_layer(layer))
        assert isinstance(loaded.engine, Painter)  # noqa: S101 - the front has seen to it
        assert isinstance(request, TryOnRequest)  # noqa: S101 - likewise
        return loaded.engine, request

    async def _mask(
        self,
        engine: Painter,
        request: TryOnRequest,
        photo: Image.Image,
        given: Image.Image | None,
        category: Category,
    ) -> Image.Image | None:
        if not engine.masked(request):
            if given is not None:
                self.job.warn("mask_unused", "the mask was not used: the whole picture is painted without one")
            return None
        if given is not None:
            return given
        self.job.progress("mask", 0, 1)
        return await engine.masker.for_job(photo, category, request, self.job)

    async def _pass(
        self,
        engine: Painter,
        request: TryOnRequest,
        photo: Image.Image,
        garment: Image.Image,
        mask: Image.Image | None,
        category: Category,
    ) -> Pass:
        """One pass, with the part of the photo that is painted; and a warning if that is not all of the mask."""
        if mask is None:
            return Pass(photo, garment, None, category)
        if engine.stretches(request):
            return Pass(photo, garment, mask, category, (0, 0, *photo.size))
        target = engine.size(request)
        box = await self._box(engine, request.crop, photo, mask, target)
        outside = await self._cpu(lambda: share_outside(mask, box or crop_box(photo.size, target)))
        if outside:
            share = f"{max(1, round(100 * outside))} %"
            self.job.warn("mask_cut", f"{share} of the mask lies outside the part of the photo that is painted")
        return Pass(photo, garment, mask, category, box)

    async def _box(
        self, engine: Painter, crop: Crop, photo: Image.Image, mask: Image.Image, target: Size
    ) -> Box | None:
        """None: the centred one."""
        painted = await self._cpu(lambda: box_of(mask))
        if crop == "centre" or painted is None:
            return None
        if crop == "auto" and keeps_centre(photo.size, target, painted, painted[3] - painted[1]):
            return None  # whoever it is, they are at least as high as their mask
        person = self._matte_box(photo.size) or await engine.masker.person(photo, mask)
        box = chosen_box(crop, photo.size, target, painted, person)
        return None if box == crop_box(photo.size, target) else box

    def _matte_box(self, size: Size) -> Box | None:
        """Around the person of a photo whose background is transparent."""
        if self.cutout is None:
            return None
        box = box_of(self.cutout.getchannel("A"))
        return None if box is None else scaled(box, self.cutout.size, size)

    async def _paint(
        self, engine: Painter, request: TryOnRequest, worn: Pass, seed: int, samples: int
    ) -> list[Image.Image]:
        engine.check(request)
        if isinstance(request, SampledTryOnRequest) and request.init == WARP:
            worn = replace(worn, start=await self._warped(request, worn, seed))
        before, passes = self._passes_done, self._passes

        def progress(stage: str, done: int, total: int) -> None:
            self.job.progress(stage, before * total + done, passes * total)

        painted = await engine.paint(worn, request, seed, samples, self.job, progress)
        self._passes_done += 1
        return painted

    async def _warped(self, request: SampledTryOnRequest, worn: Pass, seed: int) -> Image.Image:
        """The same pass by the warping engine: the part of the photo that will be painted, as large."""
        loaded = self.job.engines[WARP]
        asked = loaded.request(request.of_start(worn.category))
        assert isinstance(loaded.engine, Painter)  # noqa: S101 - the front has seen to it
        (warped,) = await loaded.engine.paint(worn, asked, seed, 1, self.job, self.job.progress)
        return warped

    def _pasted(self, engine: Painter, worn: Pass, painted: Image.Image) -> Image.Image:
        return engine.pasted(worn, painted, self.job.max_output_pixels)

    def _save_step(self, worn: Pass, photo: Image.Image, number: int, i: int) -> None:
        if self.request.return_steps:
            self.album.save(photo, numbered(f"step_{number}", i))
        if self.request.return_mask and worn.mask is not None:
            self.album.save_mask(worn.mask, numbered(f"mask_{number}", i))
