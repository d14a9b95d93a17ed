"""One pass of a try-on by a spline, whichever networks find it.

photo ──► labels, joints ──┐
mask ──────────────────────┼──► networks ──► spline, share, rendered ──► blended into the photo, within the mask
flat garment ──────────────┘
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from model.engine import Job, OnProgress
from model.engines.warp.compositing import Dressed
from model.engines.warp.geometric.knowledge import Knowledge, known
from model.engines.warp.geometric.matching import HEIGHT, WIDTH
from model.engines.warp.given_out import save_asked
from model.engines.warp.request import Request
from model.errors import InputError
from model.pictures.colour import srgb
from model.runtime.network import BatchedNetwork
from model.tryon.codes import TryOnCode
from model.tryon.crop import scaled
from model.tryon.painter import Painter, Pass
from model.tryon.repaint import blend
from model.tryon.writing import shrink


class Method(Protocol):
    """What networks see, and what is made of their answer."""

    def inputs(self, known: Knowledge) -> tuple[Tensor, ...]:
        """Of one row."""

    def shapes(self) -> list[tuple[int, ...]]:
        """Of these."""

    def dressed(self, known: Knowledge, answer: Any) -> Dressed:
        """At the size of the photo's part, before what the mask does not cover is put back."""


async def paint(
    engine: Painter,
    network: BatchedNetwork,
    method: Method,
    dressing: Pass,
    request: Request,
    job: Job,
    progress: OnProgress,
) -> Image.Image:
    """The part of the photo that is dressed: at its own size, or width x height without `repaint`."""
    assert dressing.mask is not None  # noqa: S101 - `masked` says that there always is one
    photo, garment, mask = dressing.photo, dressing.garment, dressing.mask
    device, size = engine.device, (request.width, request.height)
    progress("labels", 0, 1)
    maps, joints = await engine.masker.labels(photo), await engine.masker.joints(photo)
    if maps is None:
        message = "this variant needs label networks: their files are not there"
        raise InputError(message, code=TryOnCode.NO_AUTOMASK, field="variant")

    progress("warp", 0, 1)
    shown = await device.cpu(lambda: srgb(shrink(photo.convert("RGB"), job.max_output_pixels)))
    if joints is not None:
        joints = joints * [shown.width / photo.width, shown.height / photo.height, 1]
    box = dressing.box and scaled(dressing.box, photo.size, shown.size)
    made = await device.cpu(lambda: known(shown, garment, mask, maps, joints, size, box))
    seen = await device.cpu(lambda: method.inputs(made))
    answer = await network(*(tensor.to(device.torch_device) for tensor in seen))
    worn = await device.cpu(lambda: _kept(made, method.dressed(made, answer)))
    await device.cpu(lambda: save_asked(worn, request, job))
    progress("warp", 1, 1)
    result = Image.fromarray(worn.result)
    return result if request.repaint else result.resize(size, Resampling.LANCZOS)


def _kept(made: Knowledge, worn: Dressed) -> Dressed:
    """With the photo's own pixels wherever the mask leaves them, and a seam between."""
    result = np.asarray(blend(made.photo, Image.fromarray(worn.result), made.mask))
    return replace(worn, result=result)


def as_flow(grid: Tensor) -> Tensor:
    """(1, 2, h, w) with borders at -1 and 1, of a grid, (1, h, w, 2), that has the outermost pixels' middles there."""
    inner = grid.new_tensor([(WIDTH - 1) / WIDTH, (HEIGHT - 1) / HEIGHT])
    return (grid * inner).permute(0, 3, 1, 2)


def levels(picture: Tensor, size: tuple[int, int]) -> np.ndarray:
    """(h, w, 3) bytes of size (width, height), of (1, 3, h', w') in [-1, 1]."""
    bytes_ = ((picture[0].permute(1, 2, 0) + 1) * 127.5 + 0.5).clamp(0, 255).byte().cpu().numpy()
    return np.asarray(Image.fromarray(bytes_).resize(size, Resampling.BICUBIC))
