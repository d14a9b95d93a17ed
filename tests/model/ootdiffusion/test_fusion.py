"""Outfitting fusion against its plain form: stock UNets, tokens beside each other, and half of it thrown away."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bench.plain.outfitting import plain_features, plain_step
from model.diffusion.fast_unet import FastUNet
from model.engines.ootdiffusion.fusion import Denoiser, GarmentPass
from model.engines.ootdiffusion.memory import attention_sizes

TOLERANCE = 1e-5


def unet(channels: int, widths: tuple[int, ...] = (16, 24, 32, 32), **config: Any) -> UNet2DConditionModel:
    given = {"cross_attention_dim": 32, "attention_head_dim": 8, "norm_num_groups": 8, **config}
    network: Any = UNet2DConditionModel(in_channels=channels, out_channels=4, block_out_channels=widths, **given)
    return network.eval().requires_grad_(False)


def plainly(
    garment: Any, denoiser: Any, latents: Tensor, timestep: int, person: Tensor, prompt: Tensor, seen: Tensor
) -> Tensor:
    """The noise by the published way, for one row."""
    return plain_step(denoiser, plain_features(garment, seen, prompt), latents, timestep, person, prompt)


@torch.no_grad()
def test_keys_and_values_once_come_to_the_same_as_the_plain_form() -> None:
    torch.manual_seed(0)
    garment, denoiser = unet(4), unet(8)
    latents, person, seen = torch.randn(3, 2, 4, 16, 8)
    prompt, timesteps = torch.randn(2, 4, 32), torch.tensor([999, 15])
    plain = torch.stack(
        [
            torch.stack(
                [
                    plainly(garment, denoiser, latents[[i]], int(timesteps[i]), person[[i]], prompt[[i]], one)[0]
                    for one in (seen[[i]], torch.zeros_like(seen[[i]]))
                ]
            )
            for i in range(2)
        ]
    )

    fast_garment, fast = FastUNet(garment, 1), FastUNet(denoiser, 1000)
    look = GarmentPass(fast_garment, fast)
    with_garment, without = look(seen, prompt), look(torch.zeros_like(seen), prompt)
    keys = [torch.stack(pair, dim=1) for pair in zip(with_garment, without, strict=True)]
    noise = Denoiser(fast)(latents, timesteps, person, prompt, *keys)
    assert (noise - plain).abs().max() < TOLERANCE * plain.abs().max()
    alone = Denoiser(fast)(latents, timesteps, person, prompt, *(key[:, :1] for key in keys))
    assert (alone - plain[:, :1]).abs().max() < TOLERANCE * plain.abs().max()
    assert (plain[:, 0] - plain[:, 1]).abs().max() > 0.01 * plain.abs().max()


@torch.no_grad()
def test_the_published_widths_have_the_published_sizes() -> None:
    widths = (320, 640, 1280, 1280)
    with torch.device("meta"):
        garment, denoiser = (unet(i, widths, cross_attention_dim=768, norm_num_groups=32) for i in (4, 8))
    numbers = [sum(tensor.numel() for tensor in network.state_dict().values()) for network in (garment, denoiser)]
    assert numbers == [859_520_964, 859_532_484]
    assert [len(network.state_dict()) for network in (garment, denoiser)] == [686, 686]

    sizes = attention_sizes(denoiser, (128, 96))
    assert len(sizes) == 16
    assert sum(tokens * channels for tokens, channels in sizes) == pytest.approx(34.65e6, rel=1e-3)
    with torch.device("meta"):
        look = GarmentPass(FastUNet(garment, 1), FastUNet(denoiser, 1))
        keys = look(torch.zeros(1, 4, 128, 96), torch.zeros(1, 2, 768))
    assert [tuple(key.shape[1:]) for key in keys] == [size for size in sizes for _ in ("key", "value")]


@torch.no_grad()
def test_twenty_steps_at_full_size_cost_less_than_the_plain_form() -> None:
    """Counted without computing: 768 x 1024, guided, TFLOP."""
    steps, widths = 20, (320, 640, 1280, 1280)
    with torch.device("meta"):
        garment, denoiser = (unet(i, widths, cross_attention_dim=768, norm_num_groups=32) for i in (4, 8))
        row, prompt = torch.zeros(1, 4, 128, 96), torch.zeros(1, 2, 768)
        with FlopCounterMode(display=False) as look:
            garment(row, 0, encoder_hidden_states=prompt)
        with FlopCounterMode(display=False) as look_and_step:
            plainly(garment, denoiser, row, 0, row, prompt, row)
        fast_garment, fast = FastUNet(garment, 1), FastUNet(denoiser, 1)
        with FlopCounterMode(display=False) as fast_look:
            keys = GarmentPass(fast_garment, fast)(row, prompt)
        halves = [key[:, None].expand(-1, 2, -1, -1) for key in keys]
        with FlopCounterMode(display=False) as fast_step:
            Denoiser(fast)(row, torch.zeros(1, dtype=torch.int64), row, prompt, *halves)
    of_look, of_both, of_fast_look, of_fast_step = (
        counter.get_total_flops() / 1e12 for counter in (look, look_and_step, fast_look, fast_step)
    )
    plain = 2 * (of_look + steps * (of_both - of_look))
    ours = 2 * of_fast_look + steps * of_fast_step
    assert plain == pytest.approx(269.7, abs=0.1)
    assert ours == pytest.approx(173.9, abs=0.1)
