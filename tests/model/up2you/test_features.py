"""DINOv2: features as published, from weights in any of three spellings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from model.engines.up2you.features.image_features import Features
from model.engines.up2you.features.weights import features
from model.engines.up2you.files import DINO, DINO_TENSOR_FILES
from model.errors import WeightsError
from model.runtime.device import Device
from tests.model.up2you.goldens import golden, golden_json, largest_difference, published_shapes, state_dict

CPU = torch.device("cpu")
HUB_FILE = DINO_TENSOR_FILES[-1]

Tensors = dict[str, Tensor]


def config() -> dict[str, int]:
    described = golden_json("dinov2")
    return {
        "hidden_size": described["embed_dim"],
        "num_hidden_layers": described["depth"],
        "num_attention_heads": described["num_heads"],
        "patch_size": described["patch_size"],
        "image_size": described["image_size"],
    }


def as_hub(tensors: Tensors) -> Tensors:
    return tensors


def as_transformers_4(tensors: Tensors) -> Tensors:
    return as_transformers(tensors, [f"attention.attention.{name}" for name in ("query", "key", "value")])


def as_transformers_5(tensors: Tensors) -> Tensors:
    modern = as_transformers(tensors, [f"attention.{name}_proj" for name in "qkv"])
    return {key.replace("attention.output.dense", "attention.o_proj"): tensor for key, tensor in modern.items()}


def as_transformers(tensors: Tensors, projections: list[str]) -> Tensors:
    """The hub's tensors by the names in which transformers saves them."""
    renamed: Tensors = {}
    for key, tensor in tensors.items():
        for hub, ours in [
            ("blocks.", "encoder.layer."),
            ("attn.proj", "attention.output.dense"),
            ("ls1.gamma", "layer_scale1.lambda1"),
            ("ls2.gamma", "layer_scale2.lambda1"),
            ("patch_embed.proj", "embeddings.patch_embeddings.projection"),
            ("pos_embed", "embeddings.position_embeddings"),
            ("cls_token", "embeddings.cls_token"),
            ("mask_token", "embeddings.mask_token"),
        ]:
            key = key.replace(hub, ours)
        key = "layer" + key if key.startswith("norm.") else key
        if "attn.qkv" in key:
            parts = zip(projections, tensor.chunk(3), strict=True)
            renamed |= {key.replace("attn.qkv", name): part.clone() for name, part in parts}
        else:
            renamed[key] = tensor
    return renamed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where DINOv2 lies in `tmp_path`; with a config, still without tensors."""
    folder = tmp_path / DINO
    folder.mkdir(parents=True)
    golden("dinov2")
    (folder / "config.json").write_text(json.dumps(config()))
    return folder


@pytest.fixture
def tiny(tmp_path: Path, folder: Path) -> Features:
    torch.save(state_dict(golden("dinov2")), folder / HUB_FILE)
    return features(tmp_path).load(CPU, torch.float32)


@pytest.mark.parametrize("spelt", [as_hub, as_transformers_4, as_transformers_5])
def test_features_as_published(tmp_path: Path, folder: Path, spelt: Callable[[Tensors], Tensors]) -> None:
    reference = golden("dinov2")
    tensors = spelt(state_dict(reference))
    if spelt is as_hub:
        torch.save(tensors, folder / HUB_FILE)
    else:
        save_file(tensors, folder / "model.safetensors")
    network = features(tmp_path).load(CPU, torch.float32)
    assert not network.training
    with torch.no_grad():
        computed = network(reference["image"])
    assert largest_difference(computed, reference["features"]) <= 2e-5
    assert largest_difference(computed, reference["hf_features"]) <= 2e-5


def test_photos_have_the_same_features_alone_and_together(tiny: Features) -> None:
    photos = torch.rand(3, 3, 80, 80, generator=torch.Generator().manual_seed(0))
    device = Device(CPU)

    async def ask() -> list[Tensor]:
        network = device.batched(tiny)
        async with device.live("avatar", 0):
            return list(await asyncio.gather(network(photos[:1]), network(photos[1:])))

    with torch.no_grad():
        alone = torch.cat([tiny(photo[None]) for photo in photos])
    try:
        together = torch.cat(asyncio.run(ask()))
    finally:
        device.close()
    assert device.stats.rows == {3: 1}
    assert largest_difference(alone, together) <= 1e-5


def test_features_are_float32_whatever_they_were_computed_in(tiny: Features) -> None:
    image = golden("dinov2")["image"]
    with torch.no_grad():
        half = tiny.bfloat16()(image)
    assert half.dtype == torch.float32
    assert largest_difference(half, golden("dinov2")["features"]) < 0.3


def test_without_a_config_the_shapes_tell(tmp_path: Path, folder: Path) -> None:
    (folder / "config.json").unlink()
    torch.save(state_dict(golden("dinov2")), folder / HUB_FILE)
    module = features(tmp_path).load(CPU, torch.float32)
    described = module.dino.config
    assert (described.hidden_size, described.num_hidden_layers, described.num_attention_heads) == (32, 3, 1)
    assert (module.size, module.grid) == (70, 5)


def test_the_published_network_is_expected_where_there_is_no_file(tmp_path: Path) -> None:
    network = features(tmp_path)
    assert network.parameters() == 304_368_640
    assert (network.module.size, network.module.grid) == (518, 37)
    assert network.module.dino.config.num_attention_heads == 16
    with pytest.raises(WeightsError, match=r"dinov2/model\.safetensors: cannot be read"):
        network.load(CPU, torch.float32)


def test_the_hubs_published_keys_are_expected(tmp_path: Path) -> None:
    shapes = published_shapes("dinov2_vitl14 (torch hub)")
    folder = tmp_path / DINO
    folder.mkdir(parents=True)
    with torch.device("meta"):
        tensors = {key: torch.empty(shape) for key, shape in shapes.items()}
    # One number for each key, seen through all its shape: the file stays small.
    stored = {key: torch.zeros(1).expand(tensor.shape) for key, tensor in tensors.items()}
    torch.save(stored, folder / HUB_FILE)
    checkpoint = features(tmp_path).checkpoints[0]
    assert checkpoint.problems == []
    assert dict(checkpoint.expected) == shapes


def test_a_missing_key_is_named_in_the_files_own_spelling(tmp_path: Path, folder: Path) -> None:
    tensors = state_dict(golden("dinov2"))
    tensors["blocks.1.attn.qvk.bias"] = tensors.pop("blocks.1.attn.qkv.bias")
    torch.save(tensors, folder / HUB_FILE)
    assert features(tmp_path).checkpoints[0].problems == [
        "unexpected key 'blocks.1.attn.qvk.bias', nearest is 'blocks.1.attn.qkv.bias'",
        "missing key 'blocks.1.attn.qkv.bias', nearest is 'blocks.1.attn.qvk.bias'",
    ]


@pytest.mark.parametrize("broken", ["{", "[1]", '{"hidden_size": "wide"}', '{"image_size": null}'])
def test_a_broken_config_is_named(tmp_path: Path, folder: Path, broken: str) -> None:
    (folder / "config.json").write_text(broken)
    torch.save(state_dict(golden("dinov2")), folder / HUB_FILE)
    with pytest.raises(WeightsError, match=r"dinov2/config\.json: "):
        features(tmp_path)
