"""The two diffusion stages: six RGB views of the person out of the photos, then six normal views out of those."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NotRequired, TypedDict, Unpack, cast

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Tensor, nn

from model.avatar.feature_selector import PUBLISHED_RATIO, FeatureSelector
from model.diffusion.autoencoder import LatentDecoder, LatentEncoder, TiledDecoder, draw_latents, fast_autoencoder
from model.diffusion.ddpm import DDPM
from model.diffusion.fast_unet import FastUNet
from model.diffusion.noise import normal_from
from model.engines.up2you.views import weights as view_weights
from model.engines.up2you.views.adapters import Adapter, AttentionAdapter, ViewStage, fuse_views
from model.engines.up2you.views.attention import Branch, KeysValues
from model.engines.up2you.views.denoiser import CELL, VIEWS, ViewDenoiser
from model.engines.up2you.views.memory import resident_bytes
from model.engines.up2you.views.prompts import prompt_states
from model.engines.up2you.views.reference_states import ReferencePass, level_sizes
from model.engines.up2you.views.sampling import sample
from model.runtime.device import Device
from model.runtime.network import BatchedNetwork
from model.runtime.warm_up import WarmCall

OnStep = Callable[[int, int], None]
# One layer's states of all photos, (photos, H, W, C) -> the tokens each view may look at, (views, k, C).
Select = Callable[[Tensor], Tensor]


class Sampling(TypedDict):
    """How the loop of either kind of views runs.

    steps, guidance: 50 and 3.0 as published; at a guidance of 1 or below nothing unconditional is computed.
    generator: on the CPU; drawn from for the initial latents, the photos' latents, then each step.
    progress: told how many of how many steps are done.
    on_tiles: told when memory is so short that views are decoded in tiles.
    """

    steps: int
    guidance: float
    generator: Generator
    progress: NotRequired[OnStep]
    on_tiles: NotRequired[Callable[[], None]]


@dataclass(frozen=True)
class StageNetworks:
    """What a stage has of its own. The denoisers share the base UNet and differ in having an unconditional half."""

    adapter: Adapter
    condition_encoder: BatchedNetwork
    reference_pass: BatchedNetwork
    reference_keys: Sequence[BatchedNetwork]  # layer by layer
    guided: BatchedNetwork
    unguided: BatchedNetwork


class ViewGenerator:
    """One base UNet, two adapters, one autoencoder.

    Args:
        weights: the folder of published weights.
        device: computes in its dtype, in slices if it is `sliced`; what is drawn, and the latents between steps, is
            float32.

    Raises:
        WeightsError: a checkpoint is absent or does not fit.
    """

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        where = device.weights_device, device.dtype
        self.unet: UNet2DConditionModel = view_weights.unet(weights).load(*where)
        vae = fast_autoencoder(view_weights.vae(weights).load(*where))
        self.noise_schedule = view_weights.noise_schedule(weights)
        self.scaling_factor: float = vae.config.scaling_factor
        self.encoder = device.batched(LatentEncoder(vae))
        self.decoder = device.batched(LatentDecoder(vae), fallback=TiledDecoder(vae))
        states = prompt_states(weights)
        adapters = {stage: view_weights.adapter(weights, stage, self.unet).load(*where) for stage in states}
        unet = FastUNet(self.unet, len(self.noise_schedule.alphas))
        with torch.no_grad():
            self.stages = {
                stage: self._networks(unet, adapters[stage], states[stage].to(device.weights_device))
                for stage in states
            }

    def _networks(self, unet: FastUNet, adapter: Adapter, states: Tensor) -> StageNetworks:
        fuse_views(adapter)
        batched, sliced = self.device.batched, self.device.sliced

        def denoiser(states: Tensor) -> BatchedNetwork:
            module = ViewDenoiser(unet, adapter, states, sliced=sliced).eval()
            # Its keys and values take a gigabyte, and a step so long that starting its kernels is nothing.
            return batched(self.device.preparable(module, recorded=False), atom=VIEWS)

        return StageNetworks(
            adapter,
            batched(adapter.encoder),
            batched(ReferencePass(unet, states[1:], sliced=sliced).eval()),
            [batched(ReferenceKeys(cast("AttentionAdapter", layer).references)) for layer in adapter.layers],
            denoiser(states),
            denoiser(states[1:]),
        )

    async def rgb(self, references: Tensor, weight_maps: Tensor, poses: Tensor, **sampling: Unpack[Sampling]) -> Tensor:
        """Paint the person as seen from six sides.

        Args:
            references: the photos on gray, (photos, 3, H, W) in [0, 1]; H and W multiples of 8.
            weight_maps: how much each view needs each part of each photo, (6, photos, g, g) >= 0.
            poses: what the body looks like from the six sides, (6, 3, H, W) in [0, 1].

        Returns:
            (6, 3, H, W) in [0, 1], on the CPU.

        Raises:
            ValueError: shapes do not agree, or there are not enough training timesteps for `steps`.
        """
        if weight_maps.shape[:2] != (VIEWS, len(references)):
            raise ValueError(f"weight_maps of {tuple(weight_maps.shape)} do not fit {len(references)} references")
        select = FeatureSelector(weight_maps.to(self.device.torch_device))
        return await self._paint("rgb", references, poses, select, _Job(**sampling))

    async def normals(self, rgb_views: Tensor, poses: Tensor, **sampling: Unpack[Sampling]) -> Tensor:
        """Paint the surface normals of the same six views; each looks at its own RGB view. As `rgb` otherwise.

        Args:
            rgb_views: on gray, (6, 3, H, W) in [0, 1].
        """
        if len(rgb_views) != VIEWS:
            raise ValueError(f"expected {VIEWS} rgb_views, got {len(rgb_views)}")
        return await self._paint("normals", rgb_views, poses, lambda states: states.flatten(1, 2), _Job(**sampling))

    def resident_bytes(self, height: int, width: int, photos: int) -> int:
        """What one job holds on the device between two forwards, at most; see `memory`."""
        return resident_bytes(self.unet, self.device.dtype, height, width, photos)

    def warm_calls(self, size: int) -> Iterator[WarmCall]:
        """The calls of a guided request with at least two photos, its views `size` pixels a side."""
        device, cells = self.device.torch_device, size // CELL
        picture = torch.zeros((1, 3, size, size), device=device)
        latents = torch.zeros((1, 4, cells, cells), device=device)
        timesteps = torch.zeros(VIEWS, dtype=torch.int64, device=device)
        yield WarmCall("encoder", self.encoder, (picture,))
        for stage, networks in self.stages.items():
            residuals = networks.condition_encoder.module(picture.repeat(VIEWS, 1, 1, 1))
            states = networks.reference_pass.module(latents)  # by layer: what a view looks at, once for each photo
            ratio = int(PUBLISHED_RATIO) if stage == "rgb" else 1
            seen = zip(networks.reference_keys, states, strict=True)
            keys = [key for project, tokens in seen for key in project.module(tokens.repeat(VIEWS, ratio, 1))]
            inputs = (latents.repeat(VIEWS, 1, 1, 1), timesteps, *residuals, *keys)
            yield WarmCall(f"{stage} denoiser", networks.guided, inputs)
        yield WarmCall("decoder", self.decoder, (latents,))

    async def _paint(self, stage: ViewStage, references: Tensor, poses: Tensor, select: Select, job: _Job) -> Tensor:
        height, width = poses.shape[-2:]
        if len(poses) != VIEWS or references.shape[-2:] != poses.shape[-2:] or height % CELL or width % CELL:
            shapes = f"references {tuple(references.shape)}, poses {tuple(poses.shape)}"
            raise ValueError(f"expected {VIEWS} poses, and pictures of one size in multiples of {CELL}: {shapes}")
        device, cells = self.device.torch_device, (height // CELL, width // CELL)
        ddpm, noise = DDPM(self.noise_schedule, job.steps), normal_from(job.generator)
        start, posterior = noise((VIEWS, 4, *cells)).to(device), noise((len(references), 4, *cells)).to(device)

        networks = self.stages[stage]
        denoiser = networks.guided if job.guidance > 1 else networks.unguided
        conditions = await self.conditions(stage, references, poses, select, posterior)
        async for done, latents in sample(denoiser, ddpm, start, conditions, job.guidance, noise):  # noqa: B007
            job.progress(done, job.steps)
        return await self._decode(latents, job.on_tiles)

    async def conditions(
        self, stage: ViewStage, references: Tensor, poses: Tensor, select: Select, posterior: Tensor
    ) -> list[Tensor]:
        """What the stage's denoisers take beside latents and timesteps; the same at every step.

        Args:
            posterior: standard normal, (photos, 4, h, w): the noise of the photos' latents.
        """
        networks = self.stages[stage]
        residuals, latents = await gather(
            networks.condition_encoder(poses.to(self.device.torch_device)), self._encode(references, posterior)
        )
        return [*residuals, *await self._reference_keys(networks, latents, select)]

    async def _encode(self, pictures: Tensor, posterior: Tensor) -> Tensor:
        """Photos as scaled latents, (photos, 4, h, w). One call a photo: the device decides how many it can join."""
        pictures = (2 * pictures - 1).to(self.device.torch_device)
        moments = await gather(*(self.encoder(picture) for picture in torch.split(pictures, 1)))
        mean, logvar = (torch.cat(rows) for rows in zip(*moments, strict=True))
        return self.scaling_factor * draw_latents(mean, logvar, posterior)

    async def _reference_keys(self, networks: StageNetworks, latents: Tensor, select: Select) -> list[Tensor]:
        """Key and value of every reference attention, (6, k, C) each. The states are let go layer by layer."""
        sizes = level_sizes((latents.shape[-2], latents.shape[-1]), len(self.unet.config.block_out_channels))
        photos = await gather(*(networks.reference_pass(row) for row in torch.split(latents, 1)))
        states: list[Sequence[Tensor]] = list(zip(*photos, strict=True))  # by layer, then photo: (1, H * W, C)
        del photos
        selected = await self.device.run(partial(_selected, states, sizes, select))
        keys: list[Tensor] = []
        for i, project in enumerate(networks.reference_keys):
            keys += await project(selected[i])
            selected[i] = selected[i][:0]
        return keys

    async def _decode(self, latents: Tensor, on_tiles: Callable[[], None]) -> Tensor:
        rows = torch.split(latents / self.scaling_factor, 1)
        pictures = torch.cat(await gather(*(self.decoder(row, on_fallback=on_tiles) for row in rows)))
        return (pictures / 2 + 0.5).clamp(0, 1).cpu()


@dataclass(frozen=True)
class _Job:
    steps: int
    guidance: float
    generator: Generator
    progress: OnStep = lambda done, total: None
    on_tiles: Callable[[], None] = lambda: None


class ReferenceKeys(nn.Module):
    """Key and value of one reference attention; rows are views."""

    def __init__(self, branch: Branch) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, tokens: Tensor) -> KeysValues:
        """(R, k, C) -> twice (R, k, C)."""
        return self.branch.keys(tokens)


def _selected(states: list[Sequence[Tensor]], sizes: list[tuple[int, int]], select: Select) -> list[Tensor]:
    """The tokens of every layer that the views look at, (6, k, C) each. Takes the photos' states out of `states`."""
    selected = []
    for i, photos in enumerate(states):
        tokens = torch.cat(list(photos))  # (photos, H * W, C)
        height, width = next((height, width) for height, width in sizes if height * width == tokens.shape[1])
        states[i] = ()
        selected.append(select(tokens.view(len(tokens), height, width, -1)))
    return selected
