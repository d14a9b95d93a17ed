"""The weights as `python -m model train --engine warp` writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch

from model.engines.warp.files import WEIGHTS
from model.engines.warp.inputs import resident_bytes
from model.engines.warp.network import WarpNetwork
from model.perception.files import label_map_files
from model.perception.parsing import Parsing
from model.weights.loading import Checkpoint, UnloadedNetwork, read_tensors


def network(weights: Path) -> UnloadedNetwork[WarpNetwork]:
    """Both networks, which are one module."""
    with torch.device("meta"):
        module = WarpNetwork().eval().requires_grad_(False)
    file = weights / WEIGHTS
    tensors, problems = read_tensors(file)
    expected = {key: tensor.shape for key, tensor in module.state_dict().items()}
    return UnloadedNetwork(module, [Checkpoint(file, expected, tensors, problems=problems)])


def parts(weights: Path) -> list[Callable[[], object]]:
    """What the engine is loaded from, each part on its own."""
    labelling = label_map_files(weights).items()
    return [
        partial(network, weights),
        *(partial(Parsing, file, classes) for file, classes in labelling if file.is_file()),
    ]


def job_bytes(weights: Path, dtype: torch.dtype, defaults: Mapping[str, float]) -> int:
    """What a job holds beside the weights: the networks' inputs and answers, in float32 whatever the dtype."""
    return resident_bytes()
