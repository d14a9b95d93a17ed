"""OOTDiffusion's UNets at their published size: one guided step of 384 x 512 against the published form.

python -m bench.ootdiffusion            # 8 GB of memory, minutes; --pairs N takes N steps of each in turn
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator

from bench.pairs import Quartiles
from bench.plain.outfitting import plain_features, plain_step
from bench.report import Report, Target
from bench.sd15 import WIDTHS
from model.diffusion.fast_unet import FastUNet
from model.engines.ootdiffusion.fusion import Denoiser, GarmentPass

T = TypeVar("T")

MOST_DIFFERENCE, LEAST_RATIO = 1e-4, 0.98
CELLS, TOKENS, TIMESTEP = (64, 48), 2, 801  # of 384 x 512, and of the prompt of `hd`


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.ootdiffusion", description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    with torch.no_grad():
        measure(pairs).publish()


def measure(pairs: int) -> Report:
    """Both forms have the same weights in memory: the plain one first, whose blocks the other then takes over."""
    torch.manual_seed(0)
    garment, denoiser = (unet(channels) for channels in (4, 8))
    generator = Generator().manual_seed(1)
    row = [torch.randn((1, 4, *CELLS), generator=generator) for _ in range(3)]
    latents, person, seen = row
    prompt = torch.randn((1, TOKENS, 768), generator=generator)
    both = torch.cat([seen, torch.zeros_like(seen)]), prompt.expand(2, -1, -1)

    twice = [one.expand(2, -1, -1, -1) for one in (latents, person)]
    look_s, features = timed(lambda: plain_features(garment, *both))
    plain_s, plain = [], torch.empty(0)
    for _ in range(pairs):
        seconds, plain = timed(lambda: plain_step(denoiser, features, twice[0], TIMESTEP, twice[1], both[1]))
        plain_s.append(seconds)
    features.clear()

    fast_garment, fast = FastUNet(garment, 1), FastUNet(denoiser, 1000)
    fast_look_s, keys = timed(lambda: GarmentPass(fast_garment, fast)(*both))
    step = Denoiser(fast)
    halves = [key[None] for key in keys]
    fast_s, ours = [], torch.empty(0)
    for _ in range(pairs):
        seconds, ours = timed(lambda: step(latents, torch.tensor([TIMESTEP]), person, prompt, *halves))
        fast_s.append(seconds)
    difference = float((ours[0] - plain).abs().max() / plain.abs().max())
    ratios = [one / other for one, other in zip(plain_s, fast_s, strict=True)]
    lower = Quartiles.of(ratios).lower
    return Report(
        name="ootdiffusion",
        title="OOTDiffusion's UNets at their published size",
        how=f"Stable Diffusion 1.5 widths, random float32 weights, {torch.get_num_threads()} thread(s). One step of "
        f"384 x 512 with guidance, {pairs} of each form, the plain ones first, as both share the weights. Plain: stock "
        "diffusers UNets, the garment's run to its end, tokens beside each other in every self-attention and half of "
        "them thrown away. Seconds are of the processor: the machine was not quiet.",
        rows=[
            {"form": "published", "garment s": look_s, "step s": min(plain_s), "difference / maximum": 0.0},
            {"form": "Atelier", "garment s": fast_look_s, "step s": min(fast_s), "difference / maximum": difference},
        ],
        targets=[
            Target("largest difference, as a share of the plain maximum", difference, MOST_DIFFERENCE, ""),
            Target("ratio to the plain step, lower quartile", lower, LEAST_RATIO, "", at_least=True),
        ],
    )


def unet(channels: int) -> UNet2DConditionModel:
    network = UNet2DConditionModel(in_channels=channels, **WIDTHS)
    return network.eval().requires_grad_(False)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Processor seconds of a call, and what it makes."""
    began = time.process_time()
    made = call()
    return time.process_time() - began, made


if __name__ == "__main__":
    main()
