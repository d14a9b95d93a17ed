"""What both variants share, and each one's two UNets."""

from __future__ import annotations

import hashlib
from asyncio import gather
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from model.diffusion.autoencoder import LatentDecoder, LatentEncoder, TiledDecoder, fast_autoencoder
from model.diffusion.fast_unet import FastUNet
from model.engines.ootdiffusion import checkpoint
from model.engines.ootdiffusion.files import variants
from model.engines.ootdiffusion.fusion import Denoiser, GarmentPass
from model.engines.ootdiffusion.memory import attention_sizes
from model.engines.ootdiffusion.pictures import PassPictures, mask_at
from model.engines.ootdiffusion.prompts import WORDS, ImageEncoder, Prompts, clip_pixels, restore_positions
from model.engines.ootdiffusion.request import Variant
from model.runtime.device import Device
from model.runtime.recent import Recent
from model.runtime.warm_up import WarmCall
from model.tryon.pictures import image_tensor
from model.tryon.request import Category


@dataclass(frozen=True)
class GarmentFeatures:
    """A garment as the denoiser sees it."""

    prompt: Tensor  # (1, T, D)
    keys: tuple[Tensor, ...]  # key and value of each self-attention, (1, halves, N, C)

    @property
    def nbytes(self) -> int:
        return self.prompt.nbytes + sum(key.nbytes for key in self.keys)

    def copy(self) -> GarmentFeatures:
        """One that is no part of a larger tensor."""
        return GarmentFeatures(self.prompt.clone(), tuple(key.clone() for key in self.keys))


@dataclass(frozen=True)
class PersonLatents:
    """A photo as latents, (1, 4, h, w), and where to paint, (1, 1, h, w)."""

    known: Tensor  # scaled
    masked: Tensor  # not scaled, as published
    mask: Tensor


class VariantNetworks:
    """The two UNets of a variant."""

    def __init__(self, weights: Path, variant: Variant, device: Device, train_steps: int) -> None:
        garment = self._fast(weights, variant, "unet_garm", device, 1)  # it is asked at timestep 0 only
        denoiser = self._fast(weights, variant, "unet_vton", device, train_steps)
        self.stock, self.dtype = denoiser.stock, device.dtype
        self.garment_pass = device.batched(GarmentPass(garment, denoiser, sliced=device.sliced))
        # The keys of a garment are too large to be copied into a recording.
        module = device.preparable(Denoiser(denoiser, sliced=device.sliced), recorded=False)
        self.denoiser = device.batched(module)

    def empty_keys(self, latents: Tensor) -> list[Tensor]:
        """As a guided `GarmentFeatures` has them, for latents of this size."""
        sizes = attention_sizes(self.stock, (latents.shape[-2], latents.shape[-1]))
        return [latents.new_zeros((1, 2, *size), dtype=self.dtype) for size in sizes for _ in ("key", "value")]

    @staticmethod
    def _fast(weights: Path, variant: Variant, name: checkpoint.UNetName, device: Device, train_steps: int) -> FastUNet:
        stock = checkpoint.unet(weights, variant, name).load(device.weights_device, device.dtype)
        return FastUNet(stock, train_steps)


class OOTDiffusionNetworks:
    """All networks of the engine."""

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        self.sigmas = checkpoint.sigmas(weights)
        vae = fast_autoencoder(checkpoint.vae(weights).load(device.weights_device, device.dtype))
        self.scaling_factor: float = vae.config.scaling_factor
        self.encoder = device.batched(LatentEncoder(vae))
        self.decoder = device.batched(LatentDecoder(vae), fallback=TiledDecoder(vae))
        # Both encoders in float32, as published.
        clip = checkpoint.image_encoder(weights).load(device.weights_device, torch.float32)
        restore_positions(clip)
        self.image_encoder = device.batched(ImageEncoder(clip))
        text_encoder = checkpoint.text_encoder(weights).load(torch.device("cpu"), torch.float32)
        restore_positions(text_encoder)
        self.prompts = Prompts(text_encoder, weights)
        steps = len(self.sigmas.of_timesteps)
        self.variants = {one: VariantNetworks(weights, one, device, steps) for one in variants(weights)}
        self._garments: Recent[GarmentFeatures] = Recent(
            device.config.garment_cache_bytes, device.config.latent_cache_s
        )

    async def see_garment(
        self, variant: Variant, category: Category, picture: Image.Image, *, guided: bool
    ) -> GarmentFeatures:
        """A garment as the denoiser sees it, remembered for the next person."""
        content = f"{variant} {WORDS[category]} {guided} {picture.size} ".encode()
        digest = await self.device.cpu(lambda: hashlib.sha256(content + picture.tobytes()).digest())
        garment = self._garments.get(digest)
        if garment is None:
            pictures = await self.device.cpu(lambda: (image_tensor(picture), clip_pixels(picture)))
            keep = partial(self._keep, digest)
            garment = await self.garment(variant, category, *pictures, guided=guided, content=digest, keep=keep)
        return garment

    def _keep(self, digest: bytes, garment: GarmentFeatures) -> None:
        if garment.nbytes <= self.device.config.garment_cache_bytes and digest not in self._garments:
            self._garments.put(digest, garment.copy())

    async def garment(
        self,
        variant: Variant,
        category: Category,
        picture: Tensor,
        pixels: Tensor,
        *,
        guided: bool,
        content: Hashable | None = None,
        keep: Callable[[GarmentFeatures], None] = lambda garment: None,
    ) -> GarmentFeatures:
        """A garment as the denoiser sees it.

        Args:
            picture: (1, 3, H, W) in [-1, 1].
            pixels: the same from `clip_pixels`.
            content: names all of this; of those who want the same at once one is computed.
            keep: is told what came out, also if this was cancelled while it was computed.
        """
        device = self.device.torch_device
        (latents, _), image = await gather(self.encoder(picture.to(device)), self.image_encoder(pixels.to(device)))
        prompt = self.prompts(variant, category, image)
        # Guidance goes away from a garment that is nothing: its latents are zero, what the garment UNet sees is not.
        rows = torch.cat([latents, torch.zeros_like(latents)]) if guided else latents
        garment_pass = self.variants[variant].garment_pass

        def features(keys: Sequence[Tensor]) -> GarmentFeatures:
            return GarmentFeatures(prompt, tuple(key[None] for key in keys))

        prompts = prompt.expand(len(rows), -1, -1)
        return features(await garment_pass(rows, prompts, content=content, on_answer=lambda keys: keep(features(keys))))

    async def encode(self, pictures: PassPictures) -> PersonLatents:
        """The photo as latents, those likeliest rather than drawn."""
        device = self.device.torch_device
        both = (self.encoder(picture.to(device)) for picture in (pictures.person, pictures.masked))
        (known, _), (masked, _) = await gather(*both)
        return PersonLatents(self.scaling_factor * known, masked, mask_at(pictures.mask, known).to(device))

    async def latents(self, picture: Tensor) -> Tensor:
        """A picture (1, 3, H, W) as scaled latents, the likeliest."""
        mean, _ = await self.encoder(picture.to(self.device.torch_device))
        scaled: Tensor = self.scaling_factor * mean
        return scaled

    async def predict(
        self, variant: Variant, latents: Tensor, timestep: int, person: PersonLatents, garment: GarmentFeatures
    ) -> Tensor:
        """The noise in latents, (B, 4, h, w) -> (B, halves, 4, h, w)."""
        samples = len(latents)
        timesteps = torch.full((samples,), timestep, device=latents.device)
        shared = (person.masked, garment.prompt, *garment.keys)
        rows = (one.expand(samples, *one.shape[1:]) for one in shared)
        prediction: Tensor = await self.variants[variant].denoiser(latents, timesteps, *rows)
        return prediction

    async def decode(self, latents: Tensor, on_tiles: Callable[[], None] = lambda: None) -> Tensor:
        """(B, 4, h, w) as pictures: (B, 3, H, W), roughly in [-1, 1].

        `on_tiles` is told when memory is so short that they are decoded in tiles.
        """
        pictures: Tensor = await self.decoder(latents / self.scaling_factor, on_fallback=on_tiles)
        return pictures

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        """The calls of a guided request for one sample."""
        device = self.device.torch_device
        picture = torch.zeros((1, 3, height, width), device=device)
        latents = torch.zeros((1, 4, height // 8, width // 8), device=device)
        yield WarmCall("encoder", self.encoder, (picture,))
        yield WarmCall("image encoder", self.image_encoder, (torch.zeros((1, 3, 224, 224), device=device),))
        for variant, networks in self.variants.items():
            image = torch.zeros((1, networks.stock.config.cross_attention_dim), device=device)
            prompt = self.prompts(variant, "upper", image)
            both = latents.expand(2, -1, -1, -1), prompt.expand(2, -1, -1)
            yield WarmCall(f"{variant} garment", networks.garment_pass, both)
            seen = networks.empty_keys(latents)
            timesteps = torch.zeros(1, dtype=torch.int64, device=device)
            yield WarmCall(f"{variant} denoiser", networks.denoiser, (latents, timesteps, latents, prompt, *seen))
        yield WarmCall("decoder", self.decoder, (latents,))
