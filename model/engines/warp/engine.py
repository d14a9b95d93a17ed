"""The warping try-on: where in the flat garment each place of a photo lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling

from model.engine import Choices, Job, OnProgress
from model.engines.warp import checkpoint
from model.engines.warp.codes import WarpCode
from model.engines.warp.cpvton.method import CPVTONMethod
from model.engines.warp.files import variants
from model.engines.warp.geometric.pipeline import Method
from model.engines.warp.geometric.pipeline import paint as paint_by_spline
from model.engines.warp.inputs import CELL, GARMENT, GEOMETRY, HEIGHT, PERSON, WIDTH, resident_bytes
from model.engines.warp.pipeline import paint
from model.engines.warp.request import Request as WarpRequest
from model.engines.warp.request import Variant
from model.engines.warp.tps.method import TPSMethod
from model.errors import InputError
from model.pictures.colour import in_space, profile_of, srgb
from model.runtime.device import Device
from model.runtime.network import BatchedNetwork
from model.runtime.warm_up import WarmCall
from model.tryon.crop import scaled
from model.tryon.engine import TryOnEngine
from model.tryon.painter import Pass
from model.tryon.pictures import crop_box, cut
from model.tryon.writing import shrink


class Warp(TryOnEngine):
    """Three variants, each with networks of its own; float32 wherever they run."""

    name: ClassVar[str] = "warp"
    Request: ClassVar[type[WarpRequest]] = WarpRequest

    def __init__(self, weights: Path, device: Device) -> None:
        super().__init__(weights, device)
        self.networks = {variant: self._loaded(weights, variant) for variant in variants(weights)}
        self._methods: dict[Variant, Method] = {"cpvton": CPVTONMethod()}
        if "tps" in self.networks:
            self._methods["tps"] = TPSMethod(checkpoint.tps_size(weights))

    def _loaded(self, weights: Path, variant: Variant) -> BatchedNetwork:
        network = checkpoint.READERS[variant](weights).load(self.device.weights_device, torch.float32)
        return self.device.batched(network)

    def check(self, request: WarpRequest) -> None:
        if request.variant is not None and request.variant not in self.networks:
            message = f"variant '{request.variant}' is not loaded, only {', '.join(self.networks)}"
            raise InputError(message, code=WarpCode.VARIANT_NOT_LOADED, field="variant")

    async def paint(
        self, dressing: Pass, request: WarpRequest, seed: int, samples: int, job: Job, progress: OnProgress
    ) -> list[Image.Image]:
        variant: Variant = next(iter(self.networks)) if request.variant is None else request.variant
        job.settings["variant"] = variant
        network = self.networks[variant]
        if variant == "dense":
            return [await paint(self, network, dressing, request, job, progress)]
        return [await paint_by_spline(self, network, self._methods[variant], dressing, request, job, progress)]

    def pasted(self, dressing: Pass, painted: Image.Image, max_pixels: int) -> Image.Image:
        """In the photo's own colour space, whose pixels stay to the bit where nothing was done to them."""
        photo = shrink(dressing.photo.convert("RGB"), max_pixels).copy()
        box = dressing.box and scaled(dressing.box, dressing.photo.size, photo.size)
        box = box or crop_box(photo.size, painted.size)
        part = cut(photo, box)
        resized = painted.resize(part.size, Resampling.LANCZOS)
        changed = (np.asarray(resized) != np.asarray(srgb(part))).any(-1)
        corner = max(box[0], 0), max(box[1], 0)
        inside = (corner[0] - box[0], corner[1] - box[1], *part.size)
        worn = in_space(resized, profile_of(dressing.photo)).crop(inside)
        photo.paste(worn, corner, Image.fromarray(changed).crop(inside))
        return photo

    def choices(self) -> Choices:
        return Choices(list(self.networks), list(self.masker.makers))

    def resident_bytes(self, request: WarpRequest) -> int:
        return 0 if request.mask_only else resident_bytes()

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        for variant, network in self.networks.items():
            zeros = (torch.zeros(shape, device=self.device.torch_device) for shape in self._shapes(variant))
            yield WarmCall(variant, network, tuple(zeros))

    def _shapes(self, variant: Variant) -> list[tuple[int, ...]]:
        """Of one row of what a variant's networks see."""
        if variant == "dense":
            return [
                (1, GEOMETRY, HEIGHT // CELL, WIDTH // CELL),
                (1, PERSON, HEIGHT, WIDTH),
                (1, GARMENT, HEIGHT, WIDTH),
            ]
        return self._methods[variant].shapes()
