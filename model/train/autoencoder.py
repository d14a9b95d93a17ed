"""Training of an autoencoder for small pictures. Published ones are better wherever they are fast enough."""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from torch import Generator, Tensor, nn

from model.diffusion.autoencoder import LatentDecoder, LatentEncoder, draw_latents
from model.train.errors import SettingsError
from model.train.examples import Pictures
from model.train.journal import sheet
from model.train.linear_start import start_near_linear
from model.train.networks import load_autoencoder
from model.train.output import VariantFolder
from model.train.settings import Training

_STARTED_FROM = 160  # pictures whose principal components a linear start takes
_MEASURED = 256  # pictures whose latents tell the scaling factor


class Autoencoding(nn.Module):
    """An autoencoder that encodes pictures and decodes them again in one forward."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae
        self._encoder, self._decoder = LatentEncoder(vae), LatentDecoder(vae)

    def forward(self, pictures: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        """
        Args:
            pictures: (B, 3, H, W) in [-1, 1].
            generator: draws latents from their distribution; without it they are its mean.

        Returns:
            The pictures again, and the latents' mean and log-variance.
        """
        mean, logvar = self._encoder(pictures)
        latents = mean
        if generator is not None:
            noise = torch.randn(mean.shape, generator=generator, device=mean.device)
            latents = draw_latents(mean, logvar, noise)
        return self._decoder(latents), mean, logvar


class AutoencoderTask:
    """Pictures shall come back as they were: absolute and squared errors, of colours and of edges, weighted as the
    settings say, and a little of the latents' divergence."""

    def __init__(self, settings: Training, device: torch.device) -> None:
        self._settings = settings
        self._device = device
        size = settings.width, settings.height
        self.source = Pictures(settings.data, settings.split, size)
        self._vae = starting_autoencoder(settings).train().requires_grad_(True)
        if settings.linear_start and settings.vae is not None:
            start_near_linear(self._vae, self.source.batch(self._spread_out(_STARTED_FROM)))
        if settings.gradient_checkpointing:
            self._vae.enable_gradient_checkpointing()
        self.module = Autoencoding(self._vae)

    def loss(self, module: nn.Module, batch: Tensor, generator: Generator) -> Tensor:
        pictures = batch.to(self._device)
        decoded, mean, logvar = module(pictures, generator)
        settings = self._settings
        errors = decoded - pictures
        loss: Tensor = settings.kl * divergence(mean, logvar)
        if settings.mae:
            loss = loss + settings.mae * errors.abs().mean()
        if settings.mse:
            loss = loss + settings.mse * (errors**2).mean()
        if settings.edges:
            loss = loss + settings.edges * (errors.diff(dim=-1).abs().mean() + errors.diff(dim=-2).abs().mean())
        return loss

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """The first pictures, and what is decoded of them."""
        pictures = self.source.batch(range(min(self._settings.pictures, len(self.source)))).to(self._device)
        return sheet([pictures, self.module(pictures, None)[0]])

    def write(self) -> None:
        settings = self._settings
        start = settings.start if settings.vae is None else None
        dtype = torch.float16 if settings.half else torch.float32
        output = VariantFolder(settings.out, settings.variant, dtype, "python -m model train", start)
        output.write_autoencoder(self._vae, scaling_factor=1 / self._spread())
        output.write_manifest({})

    def _spread_out(self, count: int) -> range:
        """At most so many samples, from the whole data set."""
        return range(0, len(self.source), max(1, len(self.source) // count))[:count]

    @torch.no_grad()
    def _spread(self) -> float:
        """The standard deviation of latents."""
        numbers, rows = self._spread_out(_MEASURED), self._settings.batch_size
        batches = [numbers[i : i + rows] for i in range(0, len(numbers), rows)]
        means = [self.module(self.source.batch(batch).to(self._device), None)[1] for batch in batches]
        return float(torch.cat(means).std())


def starting_autoencoder(settings: Training) -> AutoencoderKL:
    """A new one as `vae` describes it, else the one in `start`.

    Raises:
        SettingsError: diffusers cannot build it.
    """
    if settings.vae is None:
        if settings.start is None:
            raise SettingsError("'autoencoder' needs 'start' or a config in 'vae'")
        return load_autoencoder(settings.start, settings.variant)
    try:
        vae: AutoencoderKL = AutoencoderKL.from_config(settings.vae)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"vae: {error}") from error
    return vae


def divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """Of the latents' distribution from a standard normal: nats per latent number."""
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()
