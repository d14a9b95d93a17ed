"""Steps of both denoising loops of the avatar, against the plain form of the published code."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Tensor

from bench.ceiling import Ceiling, device_name, measured_ceiling
from bench.contest import Contest, Outcome, Work, held
from bench.flops import counted
from bench.pairs import PAIRS, Quartiles
from bench.report import Report, Row, Target
from container.memory import keep_freed_memory
from model.diffusion.ddpm import DDPM
from model.diffusion.fast_unet import FastUNet
from model.diffusion.schedule import NoiseSchedule
from model.diffusion.unet_forward import transformer_blocks
from model.engines.up2you.views.adapters import Adapter, adapter_of, fuse_views
from model.engines.up2you.views.denoiser import CELL, VIEWS, ViewDenoiser
from model.engines.up2you.views.plain_views import PlainViews
from model.engines.up2you.views.reference_states import level_sizes
from model.engines.up2you.views.weights import NOISE_SHIFT
from model.runtime.device import open_device

LEAST_SPEED = {"cpu": 1.08, "cuda": 1.8}
STEPS, GUIDANCE, TRAIN_STEPS = 50, 3.0, 1000
PIXELS = {"cpu": 256, "cuda": 768}
STAGES = {"RGB": 2, "normal": 1}  # -> reference tokens of each view, in pictures

PUBLISHED: dict[str, Any] = {
    "block_out_channels": (320, 640, 1280, 1280),
    "attention_head_dim": (5, 10, 20, 20),  # the number of heads
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
}
SMALL = PUBLISHED | {"block_out_channels": (64, 128, 256, 256), "attention_head_dim": (1, 2, 4, 4)}

Predict = Callable[[Tensor, Tensor], Tensor]  # latents, timesteps -> both halves, (12, 4, h, w)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.views", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a fifth of the widths")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "float16", "bfloat16"))
    parser.add_argument("--pixels", type=int, help="along a view's side; default: 256 on a CPU, 768 on a GPU")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="pairs of steps for each stage")
    options = parser.parse_args()
    keep_freed_memory()
    device = open_device(options.device, options.dtype)
    try:
        measured(options, device.torch_device, device.dtype).publish()
    finally:
        device.close()


@torch.no_grad()
def measured(options: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> Report:
    config, pixels = SMALL if options.small else PUBLISHED, options.pixels or PIXELS[device.type]
    others = ["small"] * options.small + [device.type] * (device.type != "cpu")
    report = Report(
        name="_".join(["views", *others] + ([] if options.dtype == "auto" else [options.dtype])),
        title="Steps of the avatar's two denoising loops",
        how=f"UNet of widths {config['block_out_channels']} with random {str(dtype).removeprefix('torch.')} weights, "
        f"six views of {pixels} x {pixels} with guidance, {torch.get_num_threads()} threads. A step is prediction, "
        "guidance and DDPM. The plain form is stock diffusers with plain processors, without the published code's dead "
        "work; both forms have the same weights, make one step each, which are compared, and then take turns: "
        f"{options.pairs} pairs. Ratios are plain / Atelier. The heap keeps what is freed, as a worker's does, for "
        "both. FLOPs are counted by torch, a multiply-add as two.",
        device=device_name(device),
    )
    ceiling = measured_ceiling(device, dtype)
    torch.manual_seed(0)  # the networks draw their own weights
    unet: Any = UNet2DConditionModel(**config).eval()
    adapter = adapter_of(unet).eval()
    for name, ratio in STAGES.items():
        outcome = held(contest_of(name, unet, adapter, ratio, pixels, device, dtype), device, options.pairs)
        report.rows.append(row(outcome, ceiling))
        report.targets += targets(outcome, device.type)
        report.save()
    return report


def contest_of(
    name: str, unet: Any, adapter: Adapter, ratio: int, pixels: int, device: torch.device, dtype: torch.dtype
) -> Contest:
    """One step of a stage both ways. `unet` and `adapter` are in float32 on the CPU and stay as they are."""
    ddpm = DDPM(
        NoiseSchedule(0.00085, 0.012, train_steps=TRAIN_STEPS, steps_offset=1, clean_end=False).shifted(NOISE_SHIFT),
        STEPS,
    )

    def forms(dtype: torch.dtype) -> dict[str, Work]:
        there, beside = (moved(network, device, dtype) for network in (unet, adapter))
        return {form: steps(predict) for form, predict in both_forms(there, beside, ratio, pixels, seed=1).items()}

    def steps(predict: Predict) -> Work:
        def step(i: int) -> Tensor:
            generator = Generator().manual_seed(i)
            shape = (VIEWS, 4, pixels // CELL, pixels // CELL)
            latents, noise = (torch.randn(shape, generator=generator).to(device) for _ in range(2))
            timesteps = torch.full((VIEWS,), ddpm.timesteps[0], device=device)
            without, prediction = predict(latents, timesteps).chunk(2)
            return ddpm.step(without + GUIDANCE * (prediction - without), 0, latents, noise)

        return step

    both = forms(dtype)
    exact = both["plain"] if dtype == torch.float32 else forms(torch.float32)["plain"]

    def flops() -> tuple[int, int]:
        of = step_flops(unet.config, ratio, pixels)
        return of["plain"], of["Atelier"]

    return Contest(f"{name}: a step", both["plain"], both["Atelier"], exact, flops)


def moved(network: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """A copy, unless it is there already. By `type`: the `to` of diffusers warns of what these networks do not have."""
    there = device.type == "cpu" and dtype == torch.float32
    return network if there else copy.deepcopy(network).to(device).type(dtype)


def both_forms(unet: Any, adapter: Adapter, ratio: int, pixels: int, seed: int) -> dict[str, Predict]:
    """The two ways to predict, for the same random conditions, where and in what the UNet is."""
    generator = Generator().manual_seed(seed)

    def tensor(*shape: int) -> Tensor:
        if unet.device.type == "meta":
            return torch.empty(shape)
        return torch.randn(shape, generator=generator).to(unet.device, unet.dtype)

    sizes = level_sizes((pixels // CELL, pixels // CELL), len(unet.config.block_out_channels))
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
        "plain": lambda latents, timesteps: plain.predict(
            latents.to(unet.dtype), timesteps, residuals, references
        ).float(),
    }


def made_fast(unet: Any, adapter: Adapter) -> tuple[FastUNet, Adapter]:
    """The same networks as they serve. Copies, because the plain form needs them as they are."""
    unet, adapter = copy.deepcopy((unet, adapter))
    fuse_views(adapter)
    return FastUNet(unet, TRAIN_STEPS), adapter


def step_flops(config: Any, ratio: int, pixels: int) -> dict[str, int]:
    """Of one prediction of six views, by form."""
    with torch.device("meta"):
        unet: Any = UNet2DConditionModel.from_config(config).eval().requires_grad_(False)
        forms = both_forms(unet, adapter_of(unet).requires_grad_(False), ratio, pixels, seed=0)
        latents, timesteps = (
            torch.empty(VIEWS, 4, pixels // CELL, pixels // CELL),
            torch.empty(VIEWS, dtype=torch.int64),
        )
        return {form: counted(partial(predict, latents, timesteps)) for form, predict in forms.items()}


def row(outcome: Outcome, ceiling: Ceiling) -> Row:
    columns = outcome.row(ceiling)
    fall = 1 - float(columns["TFLOP"]) / float(columns["plain TFLOP"])
    return columns | {"fall of FLOPs %": 100 * fall}


def targets(outcome: Outcome, device: str) -> list[Target]:
    """Equal results, and how fast. On a CPU by processor time, which other work hardly touches."""
    what, on_cpu = outcome.contest.what, device == "cpu"
    ratio = Quartiles.of(outcome.pairs.cpu_ratios if on_cpu else outcome.pairs.ratios).median
    times = f"{what}: times as fast{' by processor time' if on_cpu else ''}, median"
    return [
        Target(f"{what}: difference, as a share of what is allowed", outcome.difference, 1, ""),
        Target(times, ratio, LEAST_SPEED[device], "", at_least=True),
    ]


if __name__ == "__main__":
    main()
