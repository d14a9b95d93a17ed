"""How much device memory a try-on holds between forwards."""

from __future__ import annotations

from dataclasses import dataclass

from model.engines.catvton.request import Request


@dataclass(frozen=True)
class Latents:
    """What an autoencoder makes of a picture: so many channels, so many times smaller in height and width."""

    channels: int
    downsampling: int


PUBLISHED = Latents(channels=4, downsampling=8)  # of Stable Diffusion's autoencoder


def resident_bytes(request: Request, latents: Latents = PUBLISHED) -> int:
    """Every row's condition, input latents and prediction, every sample's latents, noise and picture; float32.

    `dpmpp` remembers what its last step saw.
    """
    if request.mask_only:
        return 0
    rows = request.samples * (2 if request.guidance > 1 else 1)
    cells = 2 * (request.height // latents.downsampling) * (request.width // latents.downsampling)
    channels = latents.channels
    kept = 4 if request.solver == "dpmpp" else 3
    numbers = cells * (rows * (1 + 3 * channels) + request.samples * kept * channels)
    pictures = 3 * request.height * request.width * (2 + request.samples)
    return 4 * (numbers + pictures)
