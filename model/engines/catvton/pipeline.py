"""One pass of CatVTON, from pictures to pictures, in the order of the paper."""

from __future__ import annotations

from PIL import Image

from model.diffusion.noise import seeded
from model.engine import Job, OnProgress
from model.engines.catvton.networks import CatVTONNetworks
from model.engines.catvton.request import Request
from model.engines.catvton.sampling import SAMPLERS, sample
from model.tryon.painter import Pass
from model.tryon.pictures import picture_of, tryon_tensors


async def paint(
    networks: CatVTONNetworks, dressing: Pass, request: Request, seed: int, samples: int, job: Job, progress: OnProgress
) -> list[Image.Image]:
    """The dressed person, width x height, as often as there are samples.

    `dressing.mask` is None exactly for the mask-free variant.
    """
    cpu = networks.device.cpu
    # The published code, told to repeat itself, draws the two from generators of their own and equal seed.
    posterior, noise = seeded(seed, samples), seeded(seed, samples)
    sampler = SAMPLERS[request.solver](networks.noise_schedule, request.steps, request.eta)
    size = request.width, request.height
    tensors = await cpu(lambda: tryon_tensors(dressing.photo, dressing.garment, dressing.mask, size, dressing.box))

    progress("encode", 0, 1)
    condition = await networks.encode(tensors, samples, posterior, guided=request.guidance > 1)

    start = None if dressing.start is None else await networks.start(dressing.start, tensors)
    first = request.first_step(len(sampler.timesteps))

    steps = len(sampler.timesteps) - first
    progress("denoise", 0, steps)
    channels = networks.latents.channels
    sampled = sample(networks.denoiser, sampler, condition, request.guidance, noise, channels, first, start)
    async for done, latents in sampled:  # noqa: B007
        progress("denoise", done, steps)

    progress("decode", 0, 1)
    painted = await networks.decode(latents, job.warn_of_tiles)
    return await cpu(lambda: [picture_of(tensor) for tensor in painted.cpu()])
