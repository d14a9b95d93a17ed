"""The published base and adapters fit key for key, or the error says where they do not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.engines.up2you.files import TEXT_ENCODER, TOKENIZER, UNET
from model.engines.up2you.views import weights as view_weights
from model.engines.up2you.views.adapters import ViewStage, adapter_names
from model.engines.up2you.views.prompts import PROMPTS, prompt_states, text_encoder
from model.errors import WeightsError
from tests.model.up2you.goldens import FOLDER, golden, largest_difference, published_shapes
from tests.model.up2you.view_networks import PUBLISHED_UNET, reference_weights

CPU = torch.device("cpu")
STAGES: list[ViewStage] = ["rgb", "normals"]
QUERY = "mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_mv.weight"

Tensors = dict[str, Tensor]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The reference networks, to be spoilt."""
    linked = reference_weights(tmp_path / "linked")
    return Path(shutil.copytree(linked, tmp_path / "weights"))


def rewrite(file: Path, change: Callable[[Tensors], object]) -> None:
    tensors = {key: tensor.clone() for key, tensor in load_file(file).items()}
    change(tensors)
    file.chmod(0o600)
    save_file(tensors, file)


@pytest.mark.parametrize("stage", STAGES)
def test_an_adapter_of_published_size_has_the_published_keys_and_shapes(tmp_path: Path, stage: ViewStage) -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(**PUBLISHED_UNET)
    network = view_weights.adapter(tmp_path, stage, unet)
    (checkpoint,) = network.checkpoints
    assert dict(checkpoint.expected) == published_shapes(Path(view_weights.ADAPTERS[stage]).name)
    assert len(checkpoint.expected) == 160 + 38
    counts = [sum(tensor.numel() for tensor in part.parameters()) for part in (unet, network.module.layers)]
    assert counts == [865_910_724, 99_148_160]
    assert sum(tensor.numel() for tensor in network.module.encoder.parameters()) == 77_369_280
    assert all(tensor.is_meta for tensor in network.module.state_dict().values())
    assert sorted(adapter_names(unet, network.module).values()) == sorted(network.module.state_dict())


@pytest.mark.parametrize("stage", STAGES)
def test_every_tensor_of_an_adapter_is_loaded(weights: Path, stage: ViewStage) -> None:
    unet = view_weights.unet(weights).load(CPU, torch.float32)
    adapter = view_weights.adapter(weights, stage, unet).load(CPU, torch.float32)
    names, loaded = adapter_names(unet, adapter), adapter.state_dict()
    tensors = golden(f"{stage}_adapter")
    assert len(tensors) == len(loaded)
    for key, tensor in tensors.items():
        assert torch.equal(loaded[names[key]], tensor.float())
    assert not adapter.training
    assert not any(parameter.requires_grad for parameter in adapter.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop(QUERY), f"missing key '{QUERY}'"),
        (lambda tensors: tensors.pop("adapter.conv_in.bias"), "missing key 'adapter.conv_in.bias'"),
        (
            lambda tensors: tensors.update({QUERY.replace("_mv", "_vm"): tensors.pop(QUERY)}),
            f"unexpected key '{QUERY.replace('_mv', '_vm')}', nearest is '{QUERY}'.*1 more",
        ),
        (lambda tensors: tensors.update({"conv_in.bias": torch.zeros(3)}), "unexpected key 'conv_in.bias'"),
        (lambda tensors: tensors.update({QUERY: torch.zeros(3, 3)}), r"has shape \(3, 3\), expected \(24, 24\)"),
    ],
)
def test_what_does_not_fit_an_adapter_is_named(
    weights: Path, change: Callable[[Tensors], object], message: str
) -> None:
    file = weights / view_weights.ADAPTERS["rgb"]
    rewrite(file, change)
    unet = view_weights.unet(weights).module
    with pytest.raises(WeightsError, match=message) as caught:
        view_weights.adapter(weights, "rgb", unet).load(CPU, torch.float32)
    assert file.name in caught.value.message


@pytest.mark.parametrize(
    ("key", "value"), [("in_channels", 9), ("use_linear_projection", False), ("transformer_layers_per_block", 2)]
)
def test_a_base_of_another_make_is_refused_by_key_and_value(weights: Path, key: str, value: Any) -> None:
    file = weights / UNET / "config.json"
    file.chmod(0o600)
    file.write_text(json.dumps(json.loads(file.read_bytes()) | {key: value}))
    with pytest.raises(WeightsError, match=f"{key} is {value}"):
        view_weights.unet(weights)


def test_prompts_are_encoded_as_published(weights: Path) -> None:
    states = prompt_states(weights)
    recordings: dict[ViewStage, str] = {"rgb": "pipe_i2mv", "normals": "pipe_mv2normal"}
    for stage, recording in recordings.items():
        recorded = golden(recording)
        assert PROMPTS[stage] == json.loads((FOLDER / f"{recording}.json").read_bytes())["prompt"]
        expected = torch.cat([recorded["negative_prompt_embeds_row0"], recorded["prompt_embeds_row0"]])
        assert largest_difference(states[stage], expected) < 1e-5


def test_the_text_encoder_is_loaded_strictly(weights: Path) -> None:
    rewrite(weights / TEXT_ENCODER / "model.safetensors", lambda t: t.pop("text_model.final_layer_norm.bias"))
    with pytest.raises(WeightsError, match=r"missing key .*final_layer_norm\.bias"):
        prompt_states(weights)


def test_positions_in_an_older_text_encoder_are_no_weights(weights: Path) -> None:
    positions = {"text_model.embeddings.position_ids": torch.arange(77)[None]}
    expected = prompt_states(weights)["rgb"]
    rewrite(weights / TEXT_ENCODER / "model.safetensors", lambda tensors: tensors.update(positions))
    assert torch.equal(prompt_states(weights)["rgb"], expected)


@pytest.mark.parametrize("folder", [TEXT_ENCODER, TOKENIZER])
def test_an_absent_folder_is_named(weights: Path, folder: str) -> None:
    (weights / folder).rename(weights / "elsewhere")
    with pytest.raises(WeightsError, match=folder):
        prompt_states(weights)


def test_a_text_encoder_has_no_memory_before_it_is_loaded(weights: Path) -> None:
    assert all(tensor.is_meta for tensor in text_encoder(weights).module.state_dict().values())
