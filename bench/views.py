"""Steps of both denoising loops of the avatar, against the plain form of the published code."""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Tensor
from torch.utils.flop_counter import FlopCounterMode

from bench.report import Report, Row, Target
from model.diffusion.ddpm import DDPM
from model.diffusion.fast_unet import FastUNet
from model.diffusion.schedule import NoiseSchedule
from model.diffusion.unet_walk import transformer_blocks
from model.up2you.adapters import Adapter, adapter_of, fuse_views
from model.up2you.plain_views import PlainViews
from model.up2you.reference_states import level_sizes
from model.up2you.view_denoiser import CELL, VIEWS, ViewDenoiser
from model.up2you.view_weights import NOISE_SHIFT

MOST_DIFFERENCE = 1e-4  # of the plain form's largest number
LEAST_SPEED = 1.08
PIXELS, STEPS, GUIDANCE, TRAIN_STEPS = 256, 50, 3.0, 1000
STAGES = {"RGB": 2, "normal": 1}  # -> reference tokens of each view, in pictures

PUBLISHED: dict[str, Any] = {
    "block_out_channels": (320, 640, 1280, 1280),
    "attention_head_dim": (5, 10, 20, 20),  # the number of heads
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
}
SMALL = PUBLISHED | {"block_out_channels": (64, 128, 256, 256), "attention_head_dim": (1, 2, 4, 4)}

Predict = Callable[[Tensor, Tensor], Tensor]  # latents, timesteps -> both halves, (12, 4, h, w)


@dataclass
class Measured:
    """One stage, both ways."""

    teraflops: dict[str, float] = field(default_factory=dict)
    steps_s: dict[str, list[float]] = field(default_factory=dict)
    cpu_s: dict[str, list[float]] = field(default_factory=dict)
    difference: float = 0.0


def times_as_fast(seconds: dict[str, list[float]], form: str = "Atelier") -> float:
    """The median over pairs, whose two steps were taken one after the other."""
    return median(plain / fast for plain, fast in zip(seconds["plain"], seconds[form], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.views", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a fifth of the widths")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of steps for each stage")
    options = parser.parse_args()
    config = SMALL if options.small else PUBLISHED
    report = Report(
        name="views_small" if options.small else "views",
        title="Steps of the avatar's two denoising loops",
        how=f"UNet of widths {config['block_out_channels']} with random float32 weights, six views of {PIXELS} x "
        f"{PIXELS} with guidance, {torch.get_num_threads()} threads. A step is prediction, guidance and DDPM. The "
        "plain form is stock diffusers with plain processors, without the published code's dead work; both forms have "
        "the same weights, make one prediction each, which are compared, and then take turns. FLOPs are counted by "
        "torch, a multiply-add as two.",
    )
    with torch.no_grad():
        torch.manual_seed(0)  # the networks draw their own weights
        unet: Any = UNet2DConditionModel(**config).eval()
        adapter = adapter_of(unet).eval()
        stages = {name: measure(unet, adapter, config, ratio, options.pairs) for name, ratio in STAGES.items()}
    report.rows = [row(name, form, stage) for name, stage in stages.items() for form in ("plain", "Atelier")]
    for name, stage in stages.items():
        what = f"{name}: largest difference, as a share of the plain maximum"
        report.targets.append(Target(what, stage.difference, MOST_DIFFERENCE, ""))
        what = (
            f"{name}: processor time of a step, as a share of the plain form's (at least {LEAST_SPEED} times as fast)"
        )
        report.targets.append(Target(what, 1 / times_as_fast(stage.cpu_s), 1 / LEAST_SPEED, ""))
    report.publish()


def measure(unet: Any, adapter: Adapter, config: dict[str, Any], ratio: int, pairs: int) -> Measured:
    result = Measured(teraflops=counted(config, ratio))
    forms = both_forms(unet, adapter, ratio, Generator().manual_seed(1))
    ddpm = DDPM(
        NoiseSchedule(0.00085, 0.012, train_steps=TRAIN_STEPS, steps_offset=1, clean_end=False).shifted(NOISE_SHIFT),
        STEPS,
    )
    generator = Generator().manual_seed(2)
    shape = (VIEWS, 4, PIXELS // CELL, PIXELS // CELL)
    start, noise = (torch.randn(shape, generator=generator) for _ in range(2))
    fast, plain = (forms[form](start, torch.full((VIEWS,), ddpm.timesteps[0])) for form in ("Atelier", "plain"))
    result.difference = float((plain - fast).abs().max() / plain.abs().max())
    latents = dict.fromkeys(forms, start)
    for i in range(pairs):
        # Whoever goes second finds the weights where the other left them, so they take turns in that as well.
        for form in sorted(forms, reverse=i % 2 == 0):
            began, used_s = time.perf_counter(), time.process_time()
            latents[form] = step(forms[form], ddpm, i, latents[form], noise)
            result.steps_s.setdefault(form, []).append(time.perf_counter() - began)
            result.cpu_s.setdefault(form, []).append(time.process_time() - used_s)
    return result


def step(predict: Predict, ddpm: DDPM, i: int, latents: Tensor, noise: Tensor) -> Tensor:
    timesteps = torch.full((VIEWS,), ddpm.timesteps[i])
    without, prediction = predict(latents, timesteps).chunk(2)
    return ddpm.step(without + GUIDANCE * (prediction - without), i, latents, noise)


def both_forms(unet: Any, adapter: Adapter, ratio: int, generator: Generator | None) -> dict[str, Predict]:
    """The two ways to predict, for the same random conditions; without a generator, for conditions without memory."""

    def tensor(*shape: int) -> Tensor:
        return torch.empty(shape, device="meta") if generator is None else torch.randn(shape, generator=generator)

    sizes = level_sizes((PIXELS // CELL, PIXELS // CELL), len(unet.config.block_out_channels))
    residuals = [tensor(VIEWS, c, *size) for c, size in zip(unet.config.block_out_channels, sizes, strict=True)]
    states = tensor(2, 77, unet.config.cross_attention_dim)
    levels = [0, 0, 1, 1, 2, 2, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0]  # of each self-attention
    widths = [block.attn1.to_q.in_features for block in transformer_blocks(unet)]
    references = [
        tensor(VIEWS, ratio * sizes[level][0] * sizes[level][1], width)
        for level, width in zip(levels, widths, strict=True)
    ]
    layers: Any = adapter.layers
    pairs = [layer.references.keys(tokens) for layer, tokens in zip(layers, references, strict=True)]
    keys = [projected for pair in pairs for projected in pair]
    fast = ViewDenoiser(*made_fast(unet, adapter), states)
    plain = PlainViews(unet, adapter, states)
    return {
        "Atelier": lambda latents, timesteps: torch.cat(fast(latents, timesteps, *residuals, *keys)),
        "plain": lambda latents, timesteps: plain.predict(latents, timesteps, residuals, references),
    }


def made_fast(unet: Any, adapter: Adapter) -> tuple[FastUNet, Adapter]:
    """The same networks as they serve. Copies, because the plain form needs them as they are."""
    unet, adapter = copy.deepcopy((unet, adapter))
    fuse_views(adapter)
    return FastUNet(unet, TRAIN_STEPS), adapter


def counted(config: dict[str, Any], ratio: int) -> dict[str, float]:
    """Teraflops of one prediction, counted on networks without memory: torch does not count its CPU attention."""
    with torch.device("meta"):
        unet: Any = UNet2DConditionModel(**config).eval()
        forms = both_forms(unet, adapter_of(unet), ratio, None)
        latents, timesteps = (
            torch.empty(VIEWS, 4, PIXELS // CELL, PIXELS // CELL),
            torch.empty(VIEWS, dtype=torch.int64),
        )
        teraflops = {}
        for form, predict in forms.items():
            with FlopCounterMode(display=False) as counter:
                predict(latents, timesteps)
            teraflops[form] = counter.get_total_flops() / 1e12
    return teraflops


def row(name: str, form: str, stage: Measured) -> Row:
    plain = stage.teraflops["plain"]
    return {
        "stage": name,
        "form": form,
        "TFLOP": stage.teraflops[form],
        "fall %": 100 * (1 - stage.teraflops[form] / plain),
        "step s": median(stage.steps_s[form]),
        "CPU s": median(stage.cpu_s[form]),
        "times as fast": times_as_fast(stage.steps_s, form),
        "by CPU s": times_as_fast(stage.cpu_s, form),
    }


if __name__ == "__main__":
    main()
