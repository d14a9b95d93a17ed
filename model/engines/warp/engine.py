"""The warping try-on: a flow into the flat garment, found at 96 x 128 and applied at the photo's own size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling

from model.engine import Choices, Job
from model.engines.warp import checkpoint
from model.engines.warp.inputs import CELL, GARMENT, GEOMETRY, HEIGHT, PERSON, WIDTH, resident_bytes
from model.engines.warp.pipeline import paint
from model.engines.warp.request import Request as WarpRequest
from model.pictures.colour import in_space, profile_of, srgb
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall
from model.tryon.crop import scaled
from model.tryon.engine import TryOnEngine
from model.tryon.painter import Pass, Progress
from model.tryon.pictures import crop_box, cut
from model.tryon.writing import shrink


class Warp(TryOnEngine):
    """Flow, region, shade and paint from one network of three million parameters; float32 wherever it runs."""

    name: ClassVar[str] = "warp"
    Request: ClassVar[type[WarpRequest]] = WarpRequest

    def __init__(self, weights: Path, device: Device) -> None:
        super().__init__(weights, device)
        self.network = device.batched(checkpoint.network(weights).load(device.weights_device, torch.float32))

    async def paint(
        self, dressing: Pass, request: WarpRequest, seed: int, samples: int, job: Job, progress: Progress
    ) -> list[Image.Image]:
        return [await paint(self, self.network, dressing, request, job, progress)]

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
        return Choices(["dense"], list(self.masker.makers))

    def resident_bytes(self, request: WarpRequest) -> int:
        return 0 if request.mask_only else resident_bytes()

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        device = self.device.torch_device
        shapes = (GEOMETRY, HEIGHT // CELL, WIDTH // CELL), (PERSON, HEIGHT, WIDTH), (GARMENT, HEIGHT, WIDTH)
        yield WarmCall("warp", self.network, tuple(torch.zeros((1, *shape), device=device) for shape in shapes))
