"""The avatar's part of the demo pack: published names, strict loading, a body that stays human, usable mattes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from transformers import CLIPTextModel, CLIPTokenizer

from model.avatar.photos import loaded
from model.engines.pack import EnginePack
from model.engines.up2you.features.weights import feature_aggregator, features, shape_predictor
from model.engines.up2you.files import (
    BODY,
    FOLDER,
    MATTING,
    NORMAL_ADAPTER,
    RGB_ADAPTER,
    TEXT_ENCODER,
    TOKENIZER,
)
from model.engines.up2you.views import weights as view_weights
from model.engines.up2you.views.adapters import ViewStage
from model.perception.matting import OnnxMatting
from model.synthetic.datasets.loose_photos import loose_photos
from model.weights.pack import DEMO

SIZE = 128


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    return loose_photos(2, 4, 192, 256)


def keys(file: Path) -> set[str]:
    with safe_open(file, framework="pt") as opened:
        return set(opened.keys())


def test_every_file_is_in_the_manifest_with_its_licence() -> None:
    manifest = EnginePack("demo").manifest
    files = {file.relative_to(DEMO).as_posix() for file in DEMO.rglob("*") if file.is_file()}
    assert files == {*manifest.files, "manifest.json"}
    assert all(facts.licence and facts.sha256 for facts in manifest.files.values())
    assert "CC0" in str(manifest.files[BODY].licence)
    assert set(manifest.defaults["up2you"]) == {"size", "steps", "mesh_size", "iterations", "faces"}


def test_the_pack_is_small() -> None:
    sizes = {file: file.stat().st_size for file in (DEMO / FOLDER).rglob("*") if file.is_file()}
    assert sum(sizes.values()) - sizes[DEMO / BODY] < 3e6
    assert sizes[DEMO / BODY] < 10e6


def test_the_view_networks_load_strictly() -> None:
    unet = view_weights.unet(DEMO)
    stages: tuple[ViewStage, ...] = ("rgb", "normals")
    adapters = [view_weights.adapter(DEMO, stage, unet.module) for stage in stages]
    for network in (unet, view_weights.vae(DEMO), *adapters):
        assert all(checkpoint.verified() for checkpoint in network.checkpoints)


@pytest.mark.parametrize("name", [RGB_ADAPTER, NORMAL_ADAPTER])
def test_adapters_have_the_published_keys(name: str) -> None:
    found = keys(DEMO / name)
    encoder = {key for key in found if key.startswith("adapter.")}
    assert (len(encoder), len(found - encoder)) == (38, 160)
    assert "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out_ref.0.bias" in found
    assert "adapter.body.1.in_conv.weight" in found


def test_the_body_stays_human_and_photos_correspond(photos: list[Image.Image]) -> None:
    cpu, dtype = torch.device("cpu"), torch.float32
    see, shape = (network(DEMO).load(cpu, dtype) for network in (features, shape_predictor))
    pairs = [loaded(photo, SIZE, SIZE) for photo in photos]
    pictures, alphas = (torch.stack(part) for part in zip(*pairs, strict=True))
    with torch.inference_mode():
        seen = see(pictures)
        betas = shape(seen[None])
        maps = feature_aggregator(DEMO, SIZE).load(cpu, dtype)(torch.rand(2, 3, SIZE, SIZE), seen, alphas)
    assert 0.05 < betas.abs().max() < 1.5
    assert ((maps > 0).float().mean((1, 2, 3)) > 0.02).all()


def test_the_tokenizer_knows_the_prompts_and_the_text_encoder_reads_them() -> None:
    tokenizer = CLIPTokenizer.from_pretrained(DEMO / TOKENIZER)
    prompt = "Multi-view Human, Full Body, Normal Map, High Quality, HDR"
    ids = tokenizer([prompt, ""], padding="max_length", max_length=77, return_tensors="pt").input_ids
    assert ids.shape == (2, 77)
    assert tokenizer.unk_token_id not in ids[0, : ids[0].tolist().index(tokenizer.eos_token_id)]
    assert tokenizer.pad_token_id == ids[1, -1] == 0
    loaded_with: Any = CLIPTextModel.from_pretrained(DEMO / TEXT_ENCODER, output_loading_info=True)
    model, problems = loaded_with
    assert not any(problems.values())
    with torch.inference_mode():
        states = model.float()(ids).last_hidden_state
    assert states.isfinite().all()
    assert not torch.allclose(states[0], states[1])


def test_mattes_of_photos_before_a_plain_wall_are_right(photos: list[Image.Image]) -> None:
    matting = OnnxMatting(DEMO / MATTING)
    for photo in photos:
        truth = np.asarray(photo)[..., 3] > 127
        found = np.asarray(matting.alpha(photo.convert("RGB"))) > 127
        assert (truth & found).sum() / (truth | found).sum() > 0.85


def test_a_wall_with_nobody_has_no_matte() -> None:
    wall = Image.linear_gradient("L").resize((64, 64)).point(lambda level: 180 + level // 8).convert("RGB")
    assert np.asarray(OnnxMatting(DEMO / MATTING).alpha(wall)).max() < 128
