"""One pass of the warping try-on, from pictures to a picture.

photo ──► labels ──┐
mask ──────────────┼──► networks, 96 x 128 ──► flow, region, shade, paint ──► the photo's own size
flat garment ──────┘                                                               │
photo and flat garment, as they came ──────────────────────────────────────────────┘
"""

from __future__ import annotations

from PIL import Image
from PIL.Image import Resampling

from model.engine import Job, OnProgress
from model.engines.warp.areas import TOPS
from model.engines.warp.compositing import dressed, in_whole
from model.engines.warp.given_out import save_asked
from model.engines.warp.hem import hem_in_sight
from model.engines.warp.network import Fields
from model.engines.warp.prepare import prepared
from model.engines.warp.request import Request
from model.pictures.colour import srgb
from model.runtime.network import BatchedNetwork
from model.tryon.crop import scaled
from model.tryon.painter import Painter, Pass
from model.tryon.writing import shrink


async def paint(
    engine: Painter, network: BatchedNetwork, dressing: Pass, request: Request, job: Job, progress: OnProgress
) -> Image.Image:
    """The part of the photo that is dressed: at its own size, or width x height without `repaint`."""
    assert dressing.mask is not None  # noqa: S101 - `masked` says that there always is one
    photo, garment, mask = dressing.photo, dressing.garment, dressing.mask
    device, size = engine.device, (request.width, request.height)
    progress("labels", 0, 1)
    maps = await engine.masker.labels(photo)

    progress("warp", 0, 1)
    shown = await device.cpu(lambda: srgb(shrink(photo.convert("RGB"), job.max_output_pixels)))
    box = dressing.box and scaled(dressing.box, photo.size, shown.size)
    made = await device.cpu(lambda: prepared(shown, garment, mask, maps, dressing.category, size, box))
    answer = await network(*(tensor.to(device.torch_device) for tensor in made.seen))
    fields = Fields(*(tensor.cpu() for tensor in answer))
    if dressing.category in TOPS:
        fields = hem_in_sight(fields, made.areas.mask, made.seen.garment[:, 3:])
    near = await device.cpu(lambda: dressed(made.photo, made.areas, made.garment, fields))
    worn = in_whole(near, made.whole, made.frame)
    await device.cpu(lambda: save_asked(worn, request, job))
    progress("warp", 1, 1)
    result = Image.fromarray(worn.result)
    return result if request.repaint else result.resize(size, Resampling.LANCZOS)
