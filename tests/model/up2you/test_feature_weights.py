"""The networks between photos and views fit their published checkpoints, or the error says where they do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from model.engines.up2you.features.weights import feature_aggregator, shape_predictor
from model.engines.up2you.files import FEATURE_AGGREGATOR, SHAPE_PREDICTOR
from model.errors import WeightsError
from model.weights.loading import UnloadedNetwork
from tests.model.up2you.goldens import golden, published_shapes, state_dict

CPU = torch.device("cpu")
NETWORKS = [
    ("shape_predictor", shape_predictor, SHAPE_PREDICTOR),
    ("feature_aggregator", feature_aggregator, FEATURE_AGGREGATOR),
]

Tensors = dict[str, Tensor]


def spoilt(weights: Path, name: str, file: str, change: Callable[[Tensors], object]) -> None:
    tensors = state_dict(golden(name))
    change(tensors)
    (weights / file).parent.mkdir(parents=True)
    torch.save(tensors, weights / file)


@pytest.mark.parametrize(("name", "network", "file"), NETWORKS)
def test_published_keys_and_shapes_in_their_order(
    tmp_path: Path, name: str, network: Callable[[Path], UnloadedNetwork[Any]], file: str
) -> None:
    shapes = published_shapes(f"{name}.pt")
    module = network(tmp_path).module
    assert [(key, tensor.shape) for key, tensor in module.state_dict().items()] == list(shapes.items())
    assert all(tensor.is_meta for tensor in module.state_dict().values())


@pytest.mark.parametrize(("name", "network", "file"), NETWORKS)
def test_sizes_are_the_files(
    tmp_path: Path, name: str, network: Callable[[Path], UnloadedNetwork[Any]], file: str
) -> None:
    spoilt(tmp_path, name, file, lambda tensors: None)
    loaded = network(tmp_path).load(CPU, torch.float32)
    assert not loaded.training
    for key, tensor in state_dict(golden(name)).items():
        assert torch.equal(loaded.state_dict()[key], tensor)
        assert loaded.state_dict()[key].dtype == tensor.dtype


@pytest.mark.parametrize(("name", "network", "file"), NETWORKS)
def test_what_does_not_fit_is_named(
    tmp_path: Path, name: str, network: Callable[[Path], UnloadedNetwork[Any]], file: str
) -> None:
    def change(tensors: Tensors) -> None:
        tensors["blocks.1.norm1.wait"] = tensors.pop("blocks.1.norm1.weight")
        tensors["blocks.0.mlp.fc2.bias"] = torch.zeros(5)

    spoilt(tmp_path, name, file, change)
    assert network(tmp_path).checkpoints[0].problems == [
        "unexpected key 'blocks.1.norm1.wait', nearest is 'blocks.1.norm1.weight'",
        "missing key 'blocks.1.norm1.weight', nearest is 'blocks.1.norm1.wait'",
        "'blocks.0.mlp.fc2.bias' has shape (5,), expected (64,)",
    ]
    with pytest.raises(WeightsError, match=rf"{file}: unexpected key .* \(and 2 more\)"):
        network(tmp_path).load(CPU, torch.float32)


@pytest.mark.parametrize(
    ("name", "network", "file", "key"),
    [(*NETWORKS[0], "shape_tokens"), (*NETWORKS[1], "out_attn.q_proj.weight")],
)
def test_a_key_that_tells_a_size_may_be_the_missing_one(
    tmp_path: Path, name: str, network: Callable[[Path], UnloadedNetwork[Any]], file: str, key: str
) -> None:
    spoilt(tmp_path, name, file, lambda tensors: tensors.pop(key))
    assert any(problem.startswith(f"missing key {key!r}") for problem in network(tmp_path).checkpoints[0].problems)


@pytest.mark.parametrize(("content", "said"), [(b"", "it ends too early"), (b"a poem of torches", "")])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / SHAPE_PREDICTOR
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"shape_predictor\.pt: cannot be read: {said}"):
        shape_predictor(tmp_path).load(CPU, torch.float32)


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"state_dict": {"a": torch.zeros(1)}}])
def test_a_file_of_something_else_is_named(tmp_path: Path, content: object) -> None:
    file = tmp_path / SHAPE_PREDICTOR
    file.parent.mkdir(parents=True)
    torch.save(content, file)
    with pytest.raises(WeightsError, match="it holds more than tensors by name"):
        shape_predictor(tmp_path).load(CPU, torch.float32)


def test_a_file_in_torchs_old_format_loads_too(tmp_path: Path) -> None:
    file = tmp_path / SHAPE_PREDICTOR
    file.parent.mkdir(parents=True)
    torch.save(state_dict(golden("shape_predictor")), file, _use_new_zipfile_serialization=False)
    assert shape_predictor(tmp_path).load(CPU, torch.float32).shape_tokens.shape == (1, 1, 64)
