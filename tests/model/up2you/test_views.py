"""Both diffusion stages from pictures to pictures, against runs of the published code on the same tiny networks."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Tensor
from transformers import CLIPTextModel

from model.avatar.feature_selector import FeatureSelector
from model.diffusion.ddpm import DDPM
from model.diffusion.noise import normal_from
from model.diffusion.unet_forward import self_attentions
from model.engines.up2you.views import weights as view_weights
from model.engines.up2you.views.adapters import ViewStage
from model.engines.up2you.views.generator import Select, ViewGenerator
from model.engines.up2you.views.memory import resident_bytes
from model.engines.up2you.views.plain_views import PlainViews
from model.engines.up2you.views.reference_states import state_elements
from model.engines.up2you.views.sampling import sample
from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from tests.model.devices import cpu_device
from tests.model.up2you.goldens import golden, golden_json, largest_difference
from tests.model.up2you.view_networks import PUBLISHED_UNET, reference_weights

LATENT_TOLERANCE = 1e-4  # of a recording's largest number
GREY_LEVELS = 1
STAGES: list[ViewStage] = ["rgb", "normals"]
RECORDINGS: dict[ViewStage, str] = {"rgb": "pipe_i2mv", "normals": "pipe_mv2normal"}


@pytest.fixture(scope="module")
def views(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ViewGenerator]:
    weights = reference_weights(tmp_path_factory.mktemp("views"))
    with cpu_device(DeviceConfig(max_batch_rows=12)) as device:
        yield ViewGenerator(weights, device)


@pytest.fixture(scope="module")
def loops(views: ViewGenerator, runner: asyncio.Runner) -> dict[ViewStage, Loop]:
    """Each stage's loop, alone on the device."""
    return {stage: runner.run(looped(views, stage)) for stage in STAGES}


def recording(stage: ViewStage) -> dict[str, Tensor]:
    recorded = golden(RECORDINGS[stage])
    recorded["control_image"] = golden("pipe_i2mv")["control_image"]  # the same in both
    return recorded


def parameters(stage: ViewStage) -> dict[str, Any]:
    return golden_json(RECORDINGS[stage])


def weight_maps(recorded: dict[str, Tensor]) -> Tensor:
    return recorded["weight_maps"][:, 0, ..., 0]  # (views, photos, g, g)


def selection(stage: ViewStage, recorded: dict[str, Tensor]) -> Select:
    return FeatureSelector(weight_maps(recorded)) if stage == "rgb" else lambda states: states.flatten(1, 2)


@dataclass
class Loop:
    """A stage's loop, step by step."""

    conditions: list[Tensor]
    latents: list[Tensor]


async def looped(views: ViewGenerator, stage: ViewStage, steps: int | None = None) -> Loop:
    recorded, given = recording(stage), parameters(stage)
    noise = normal_from(Generator().manual_seed(given["seed"]))
    start, posterior = noise((6, 4, 8, 8)), noise((given["num_refs"], 4, 8, 8))
    assert torch.equal(start, recorded["init_latents"])
    async with views.device.live("avatar", 0):
        conditions = await views.conditions(
            stage, recorded["reference_rgbs"], recorded["control_image"], selection(stage, recorded), posterior
        )
        ddpm = DDPM(views.noise_schedule, steps or given["steps"])
        loop = sample(views.stages[stage].guided, ddpm, start, conditions, given["guidance_scale"], noise)
        return Loop(conditions, [latents async for _, latents in loop])


async def painted(views: ViewGenerator, stage: ViewStage, **changes: Any) -> Tensor:
    recorded, given = recording(stage), parameters(stage)
    options = {"steps": given["steps"], "guidance": given["guidance_scale"]} | changes
    generator = Generator().manual_seed(given["seed"])
    references, poses = recorded["reference_rgbs"], recorded["control_image"]
    async with views.device.live("avatar", 0):
        if stage == "rgb":
            return await views.rgb(references, weight_maps(recorded), poses, generator=generator, **options)
        return await views.normals(references, poses, generator=generator, **options)


def grey_levels(pictures: Tensor, expected: Tensor) -> float:
    return ((pictures * 255).round() - expected.permute(0, 3, 1, 2).float()).abs().max().item()


def distance(found: Tensor, expected: Tensor) -> float:
    return largest_difference(found, expected) / expected.abs().max().item()


@pytest.mark.parametrize("stage", STAGES)
def test_every_step_is_the_published_one(loops: dict[ViewStage, Loop], stage: ViewStage) -> None:
    recorded, loop = recording(stage), loops[stage]
    assert len(loop.latents) == parameters(stage)["steps"]
    for i, latents in enumerate(loop.latents):
        assert distance(latents, recorded[f"latents_{i}"]) < LATENT_TOLERANCE


@pytest.mark.parametrize("stage", STAGES)
def test_conditions_are_the_published_ones(
    views: ViewGenerator, loops: dict[ViewStage, Loop], stage: ViewStage
) -> None:
    recorded, loop = recording(stage), loops[stage]
    for level in range(4):
        assert distance(loop.conditions[level], recorded[f"adapter_state_{level}"]) < LATENT_TOLERANCE
    keys = loop.conditions[4:]
    names = [name for name, _ in self_attentions(views.unet)]
    layers: Any = views.stages[stage].adapter.layers
    compared = 0
    for name, layer, key, value in zip(names, layers, keys[::2], keys[1::2], strict=True):
        if (states := recorded.get(f"ref_states.{name}.processor")) is not None:
            assert distance(key, layer.references.to_k(states)) < LATENT_TOLERANCE
            assert distance(value, layer.references.to_v(states)) < LATENT_TOLERANCE
            compared += 1
    assert compared == 3


@pytest.mark.parametrize("stage", STAGES)
def test_both_halves_of_a_prediction_are_the_published_ones(
    views: ViewGenerator, loops: dict[ViewStage, Loop], stage: ViewStage
) -> None:
    recorded, loop = recording(stage), loops[stage]
    timesteps = torch.full((6,), parameters(stage)["timesteps"][0])
    halves = views.stages[stage].guided.module(recorded["init_latents"], timesteps, *loop.conditions)
    assert distance(torch.cat(halves), recorded["unet_out_step0"]) < LATENT_TOLERANCE


@pytest.mark.parametrize("stage", STAGES)
def test_pictures_are_the_published_ones(views: ViewGenerator, runner: asyncio.Runner, stage: ViewStage) -> None:
    seen: list[tuple[int, int]] = []
    pictures = runner.run(painted(views, stage, progress=lambda done, total: seen.append((done, total))))
    assert grey_levels(pictures, recording(stage)["images_uint8"]) <= GREY_LEVELS
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_every_number_is_drawn_from_the_jobs_own_generator_in_the_published_order(
    views: ViewGenerator, runner: asyncio.Runner
) -> None:
    recorded, ours, expected = recording("rgb"), Generator().manual_seed(9), Generator().manual_seed(9)
    arguments = recorded["reference_rgbs"], weight_maps(recorded), recorded["control_image"]

    async def paint() -> None:
        async with views.device.live("avatar", 0):
            await views.rgb(*arguments, steps=3, guidance=3.0, generator=ours)

    runner.run(paint())
    for rows in (6, 3, 6, 6, 6):  # initial latents, the photos' latents, three steps
        torch.randn(rows, 4, 8, 8, generator=expected)
    assert torch.equal(torch.randn(5, generator=ours), torch.randn(5, generator=expected))


def test_half_precision_stays_inside(
    runner: asyncio.Runner, loops: dict[ViewStage, Loop], tmp_path_factory: pytest.TempPathFactory
) -> None:
    device = Device(torch.device("cpu"), torch.bfloat16)
    try:
        half = ViewGenerator(reference_weights(tmp_path_factory.mktemp("half")), device)
        loop = runner.run(looped(half, "rgb"))
    finally:
        device.close()
    assert {tensor.dtype for tensor in loop.conditions} == {torch.bfloat16}
    assert {tensor.dtype for tensor in loop.latents} == {torch.float32}
    for key, expected in zip(loop.conditions, loops["rgb"].conditions, strict=True):
        assert distance(key.float(), expected) < 0.1


def test_jobs_that_share_forwards_at_different_steps_do_not_touch_each_other(
    views: ViewGenerator, runner: asyncio.Runner
) -> None:
    async def together() -> list[Loop]:
        jobs: list[Coroutine[Any, Any, Loop]] = [looped(views, "rgb"), looped(views, "rgb", steps=7)]
        return list(await asyncio.gather(*jobs, looped(views, "normals")))

    alone = runner.run(looped(views, "rgb", steps=7))
    before = views.device.stats.rows[12]
    first, second, normal = runner.run(together())
    assert views.device.stats.rows[12] - before >= 4
    assert distance(first.latents[-1], recording("rgb")["latents_3"]) < LATENT_TOLERANCE
    assert distance(normal.latents[-1], recording("normals")["latents_3"]) < LATENT_TOLERANCE
    assert distance(second.latents[-1], alone.latents[-1]) < LATENT_TOLERANCE


def test_pictures_of_a_profile_with_little_memory_are_the_same(
    runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    device = Device(torch.device("cpu"), config=DeviceConfig(max_batch_rows=0, memory_profile="low"))
    try:
        sliced = ViewGenerator(reference_weights(tmp_path_factory.mktemp("sliced")), device)
        for stage in STAGES:
            pictures = runner.run(painted(sliced, stage))
            assert grey_levels(pictures, recording(stage)["images_uint8"]) <= GREY_LEVELS
        assert max(device.stats.rows) == 6
    finally:
        device.close()


@pytest.mark.parametrize("guidance", [1.0, 0.5])
def test_without_guidance_nothing_unconditional_is_computed(
    views: ViewGenerator, runner: asyncio.Runner, guidance: float
) -> None:
    rows: list[int] = []
    hook = views.unet.conv_out.register_forward_hook(lambda _, __, output: rows.append(len(output)))
    try:
        unguided = runner.run(painted(views, "rgb", guidance=guidance))
        assert rows == [6] * 4
        rows.clear()
        runner.run(painted(views, "rgb", guidance=1.5))
        assert rows == [12] * 4
    finally:
        hook.remove()
    assert grey_levels(unguided, recording("rgb")["images_uint8"]) > GREY_LEVELS


def test_both_stages_share_the_base_unet(views: ViewGenerator) -> None:
    own = {parameter.data_ptr() for parameter in views.unet.parameters()}
    stages = views.stages.values()
    denoisers: list[Any] = [network.module for stage in stages for network in (stage.guided, stage.unguided)]
    for denoiser in denoisers:
        assert {parameter.data_ptr() for parameter in denoiser.unet.parameters()} == own
        assert denoiser.unet.times is denoisers[0].unet.times
    storages = {parameter.data_ptr() for denoiser in denoisers for parameter in denoiser.parameters()}
    adapters = [stage.adapter for stage in stages]
    assert len(storages) == len(own) + sum(len(list(adapter.parameters())) for adapter in adapters)


def test_the_text_encoder_is_gone(views: ViewGenerator) -> None:
    gc.collect()
    assert sum(type(thing) is type(views.unet) for thing in gc.get_objects()) >= 1
    assert not any(type(thing) is CLIPTextModel for thing in gc.get_objects())


@torch.no_grad()
def test_the_plain_form_is_the_published_one_too(tmp_path: Path) -> None:
    recorded, given, weights = recording("rgb"), parameters("rgb"), reference_weights(tmp_path)
    unet = view_weights.unet(weights).load(torch.device("cpu"), torch.float32)
    adapter = view_weights.adapter(weights, "rgb", unet).load(torch.device("cpu"), torch.float32)
    negative, prompt = recorded["negative_prompt_embeds_row0"], recorded["prompt_embeds_row0"]
    plain = PlainViews(unet, adapter, torch.cat([negative, prompt]))
    select = selection("rgb", recorded)
    states = plain.reference_states(recorded["reference_latents"])
    references = [select(torch.unflatten(tokens, 1, (int(tokens.shape[1] ** 0.5), -1))) for tokens in states]
    residuals = [recorded[f"adapter_state_{level}"] for level in range(4)]
    timesteps = torch.full((6,), given["timesteps"][0])
    found = plain.predict(recorded["init_latents"], timesteps, residuals, references)
    assert distance(found, recorded["unet_out_step0"]) < LATENT_TOLERANCE


def test_a_cancelled_job_frees_the_device_within_a_step(views: ViewGenerator, runner: asyncio.Runner) -> None:
    steps: list[int] = []

    async def cancel_after_two() -> int:
        job = asyncio.create_task(painted(views, "rgb", steps=50, progress=lambda done, _: steps.append(done)))
        while len(steps) < 2:
            await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        before = views.device.stats.forwards
        async with views.device.live("avatar", 0):
            await views.device.run(lambda: None)
        return views.device.stats.forwards - before

    assert runner.run(cancel_after_two()) <= 2  # what was running, and ours
    assert len(steps) <= 3


@pytest.mark.parametrize(
    ("photos", "maps", "size", "pose_size", "message"),
    [(3, 2, 64, 64, "weight_maps"), (3, 3, 60, 60, "multiples of 8"), (3, 3, 32, 64, "one size")],
)
def test_shapes_that_do_not_agree_are_refused(
    views: ViewGenerator, runner: asyncio.Runner, photos: int, maps: int, size: int, pose_size: int, message: str
) -> None:
    references, poses = torch.zeros(photos, 3, size, size), torch.zeros(6, 3, pose_size, pose_size)
    call = views.rgb(references, torch.zeros(6, maps, 7, 7), poses, steps=1, guidance=3.0, generator=Generator())
    with pytest.raises(ValueError, match=message):
        runner.run(call)


@pytest.mark.parametrize("photos", [1, 3, 30])
def test_a_job_holds_no_more_than_it_said(views: ViewGenerator, runner: asyncio.Runner, photos: int) -> None:
    generator = Generator().manual_seed(0)
    references = torch.rand(photos, 3, 64, 64, generator=generator)
    poses = torch.rand(6, 3, 64, 64, generator=generator)
    maps = torch.rand(6, photos, 7, 7, generator=generator)
    said = views.resident_bytes(64, 64, photos)

    async def conditions() -> list[Tensor]:
        async with views.device.live("avatar", said):
            posterior = torch.zeros(photos, 4, 8, 8)
            return await views.conditions("rgb", references, poses, FeatureSelector(maps), posterior)

    held = 4 * sum(tensor.numel() for tensor in runner.run(conditions()))
    assert held <= said
    if 2 <= photos <= 24:  # keys and values are the most of it, and their count is exact
        assert held > 0.6 * said


def test_published_sizes_need_what_was_worked_out() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(**PUBLISHED_UNET)
    keys_and_values = 2 * 6 * 2 * state_elements(unet, (96, 96)) * torch.float16.itemsize
    assert keys_and_values / 2**30 == pytest.approx(1.16, abs=0.01)
    said = resident_bytes(unet, torch.float16, 768, 768, 8)
    assert keys_and_values < said < 1.2 * keys_and_values
    assert said == resident_bytes(unet, torch.float16, 768, 768, 1) + 4 * 6 * (3 * 768**2 + 4 * 96**2)
    assert resident_bytes(unet, torch.float16, 768, 768, 64) > 2.5 * said  # the states of 64 photos
