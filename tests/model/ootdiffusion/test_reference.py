"""Our try-on against runs of the published code on the same tiny networks."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
import torch

from model.diffusion.noise import seeded
from model.engines.ootdiffusion.engine import OOTDiffusion
from model.engines.ootdiffusion.networks import PersonLatents
from model.engines.ootdiffusion.prompts import clip_pixels
from tests.model.ootdiffusion.recorded import CASES, GREY_LEVELS, TOLERANCE, Case, distance, replay


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder.name)
def test_every_recorded_run_agrees(engine: OOTDiffusion, runner: asyncio.Runner, case: Case) -> None:
    outcome, arrays = runner.run(replay(engine.networks, case)), case.arrays
    assert distance(outcome.prompt, arrays["prompt_embeds"]) < TOLERANCE
    first = outcome.first_prediction.transpose(0, 1).flatten(
        0, 1
    )  # at guidance 1 the recorded half without is left out
    assert distance(first, arrays["unet_out_step0"][: len(first)]) < TOLERANCE
    recorded = arrays["latents_per_step"]
    latents = outcome.latents if len(recorded) == len(outcome.latents) else outcome.latents[[0, 1, -2, -1]]
    assert distance(latents, recorded) < TOLERANCE
    for i, picture in enumerate(outcome.pictures):
        assert np.abs(picture.astype(int) - case.result(i)).max() <= GREY_LEVELS


FULL = [case for case in CASES if case.call["full"]]


@pytest.mark.parametrize("case", FULL, ids=lambda case: case.folder.name)
def test_every_block_sees_what_the_published_one_sees_of_the_garment(engine: OOTDiffusion, case: Case) -> None:
    arrays = case.arrays
    prompt = torch.from_numpy(arrays["prompt_embeds"]).expand(2, -1, -1)
    features: list[torch.Tensor] = []
    garment_pass: Any = engine.networks.variants[case.variant].garment_pass.module
    with torch.no_grad():
        latents = torch.from_numpy(arrays["garm_latents"])
        garment_pass.look(latents, prompt, lambda _, tokens: features.append(tokens.clone()))
    assert len(features) == 16
    for i, feature in enumerate(features):
        assert distance(feature, arrays[f"garm_feat_{i:02}"]) < TOLERANCE


@pytest.mark.parametrize("case", FULL, ids=lambda case: case.folder.name)
def test_pictures_become_the_published_latents(engine: OOTDiffusion, runner: asyncio.Runner, case: Case) -> None:
    async def encoded() -> PersonLatents:
        async with engine.device.live("ootdiffusion", 0):
            return await engine.networks.encode(case.prepared())

    person, arrays = runner.run(encoded()), case.arrays
    assert distance(person.known / engine.networks.scaling_factor, arrays["ori_latents"]) < TOLERANCE
    assert distance(person.masked, arrays["vton_latents"][:1]) < TOLERANCE
    assert (person.mask.numpy() == arrays["mask_latents"]).all()
    assert (seeded(case.call["seed"], 1)(person.known.shape).numpy() == arrays["noise"]).all()
    seen = clip_pixels(case.picture("garment"))[..., ::16, ::16]
    assert np.abs(seen.numpy() - arrays["clip_pixels_sub16"]).max() < 1e-5
