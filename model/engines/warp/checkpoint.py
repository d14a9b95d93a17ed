"""The weights, as `python -m model train --engine warp` writes them and as CP-VTON+ was published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from model.engines.warp.cpvton.method import CPVTON
from model.engines.warp.files import GMM, TOM, TPS, WEIGHTS, variants
from model.engines.warp.inputs import resident_bytes
from model.engines.warp.network import WarpNetwork
from model.engines.warp.request import Variant
from model.engines.warp.tps.network import WIDTH, TPSNetwork
from model.perception.files import label_map_files
from model.perception.parsing import Parsing
from model.tryon.pictures import Size
from model.weights.loading import Checkpoint, UnloadedNetwork, read_tensors

M = TypeVar("M", bound=nn.Module)

_FIRST = "gmm.extractionA.model.0.weight"
_PAINTED_AT = 768, 1024  # where a file does not say


def network(weights: Path) -> UnloadedNetwork[WarpNetwork]:
    """Both networks of `dense`, which are one module."""
    return _whole(WarpNetwork, weights / WEIGHTS)


def tps_network(weights: Path) -> UnloadedNetwork[TPSNetwork]:
    """All three of `tps`, as wide as their file says."""
    tensors, _ = read_tensors(weights / TPS)
    width = len(tensors[_FIRST]) if _FIRST in tensors else WIDTH
    return _whole(partial(TPSNetwork, width), weights / TPS)


def tps_size(weights: Path) -> Size:
    """Width and height that `tps` was trained to paint at."""
    try:
        with safe_open(weights / TPS, framework="pt") as opened:
            said = opened.metadata() or {}
        width, height = int(said["width"]), int(said["height"])
    except (KeyError, ValueError, OSError, SafetensorError):
        return _PAINTED_AT
    return width, height


def published_network(weights: Path) -> UnloadedNetwork[CPVTON]:
    """Both published networks of `cpvton`, each key for key."""
    with torch.device("meta"):
        module = CPVTON().eval().requires_grad_(False)
    parts = [_part(weights / GMM, "gmm", module.gmm), _part(weights / TOM, "tom", module.tom)]
    return UnloadedNetwork(module, parts)


READERS: Mapping[Variant, Callable[[Path], UnloadedNetwork[Any]]] = {
    "dense": network,
    "tps": tps_network,
    "cpvton": published_network,
}


def _whole(make: Callable[[], M], file: Path) -> UnloadedNetwork[M]:
    with torch.device("meta"):
        module = make().eval().requires_grad_(False)
    tensors, problems = read_tensors(file)
    expected = {key: tensor.shape for key, tensor in module.state_dict().items()}
    return UnloadedNetwork(module, [Checkpoint(file, expected, tensors, problems=problems)])


def _part(file: Path, name: str, module: nn.Module) -> Checkpoint:
    tensors, problems = read_tensors(file)
    expected = {key: tensor.shape for key, tensor in module.state_dict().items()}
    return Checkpoint(file, expected, tensors, {key: f"{name}.{key}" for key in expected}, problems)


def parts(weights: Path) -> list[Callable[[], object]]:
    """What the engine is loaded from, each part on its own."""
    labelling = label_map_files(weights).items()
    return [
        *(partial(READERS[variant], weights) for variant in variants(weights)),
        *(partial(Parsing, file, classes) for file, classes in labelling if file.is_file()),
    ]


def job_bytes(weights: Path, dtype: torch.dtype, defaults: Mapping[str, float]) -> int:
    """What a job holds beside the weights: the networks' inputs and answers, in float32 whatever the dtype."""
    return resident_bytes()
