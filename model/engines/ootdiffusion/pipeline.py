"""One pass of OOTDiffusion, from pictures to pictures, in the order of the paper."""

from __future__ import annotations

from asyncio import gather
from functools import partial

from PIL import Image
from torch import Tensor

from model.diffusion.layout import sent
from model.diffusion.noise import seeded
from model.diffusion.unipc import UniPC
from model.engine import Job, OnProgress
from model.engines.ootdiffusion.networks import OOTDiffusionNetworks
from model.engines.ootdiffusion.pictures import prepared, stretched
from model.engines.ootdiffusion.request import Request, Variant
from model.engines.ootdiffusion.sampling import sample
from model.tryon.painter import Pass
from model.tryon.pictures import image_tensor, picture_of


async def paint(
    networks: OOTDiffusionNetworks,
    variant: Variant,
    dressing: Pass,
    request: Request,
    seed: int,
    samples: int,
    job: Job,
    progress: OnProgress,
) -> list[Image.Image]:
    """The dressed person, width x height, as often as there are samples."""
    cpu = networks.device.cpu
    prepare = stretched if request.reference else prepared
    pictures = await cpu(partial(prepare, dressing, (request.width, request.height)))

    progress("encode", 0, 1)
    garment, person = await gather(
        networks.see_garment(variant, dressing.category, pictures.garment, guided=request.guided()),
        networks.encode(pictures),
    )

    first = request.first_step(request.steps)
    start = None if dressing.start is None else await networks.latents(image_tensor(dressing.start))
    progress("denoise", 0, request.steps - first)
    noise = sent(seeded(seed, samples)((samples, *person.known.shape[1:])), person.known.device)
    sampler = UniPC(networks.sigmas, request.steps, first)

    async def denoise(latents: Tensor, timestep: int) -> Tensor:
        return await networks.predict(variant, latents, timestep, person, garment)

    sampled = sample(denoise, sampler, request.guidance, person.known, person.mask, noise, first, start)
    async for done, latents in sampled:  # noqa: B007
        progress("denoise", done, request.steps - first)

    progress("decode", 0, 1)
    painted = await networks.decode(latents, job.warn_of_tiles)
    return await cpu(lambda: [picture_of(tensor) for tensor in painted.cpu()])
