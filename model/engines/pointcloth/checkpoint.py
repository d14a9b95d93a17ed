"""The weights as training writes them, and as published ones are converted to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.engines.pointcloth.body import read_draped_body
from model.engines.pointcloth.drape.network import REPEATS, DrapeSizes, DrapingNetwork
from model.engines.pointcloth.files import BODY_POINTS, DRAPING
from model.engines.pointcloth.memory import fit_bytes
from model.errors import WeightsError
from model.weights.loading import Checkpoint, UnloadedNetwork, read_tensors


def draping(weights: Path) -> UnloadedNetwork[DrapingNetwork]:
    """The draping network, of whatever size the file holds.

    Raises:
        WeightsError: the file holds no such network.
    """
    file = weights / DRAPING
    tensors, problems = read_tensors(file)
    with torch.device("meta"):
        module = DrapingNetwork(sizes_of(file, tensors) if tensors else None).eval().requires_grad_(False)
    expected = {key: tensor.shape for key, tensor in module.state_dict().items()}
    return UnloadedNetwork(module, [Checkpoint(file, expected, tensors, problems=problems)])


def sizes_of(file: Path, tensors: Mapping[str, Tensor]) -> DrapeSizes:
    """What the tensors' shapes say."""
    try:
        depth = sum(key.startswith("encoder.0.mlps.") and key.endswith(".weight") for key in tensors)
        encoder = tuple(len(tensors[f"encoder.0.mlps.{i}.weight"]) for i in range(depth))
        blocks = len({key.split(".")[1] for key in tensors if key.startswith("attentions_decoder.")})
        heads = []
        for block in range(blocks // REPEATS):
            of_block = f"attentions_decoder.{block}.attentions."
            sides = [int(tensors[f"{of_block}{i}.splat.tensor_mod"].flatten()[0]) for i in (0, 1)]
            heads.append((len(tensors[f"{of_block}0.conv.0.weight"]), *sides))
        return DrapeSizes(encoder, len(tensors["start.0.weight"]), tuple(heads))  # type: ignore[arg-type]
    except (KeyError, IndexError, ValueError) as error:
        raise WeightsError(f"{file}: these are not a draping network's tensors ({error})") from error


def points_together(weights: Path) -> int:
    """How many points the network is used to seeing at once; 0: all."""
    with np.load(weights / BODY_POINTS, allow_pickle=False) as archive:
        return int(archive["together"]) if "together" in archive.files else 0


def parts(weights: Path) -> list[Callable[[], object]]:
    """What the engine is loaded from, each part on its own."""
    return [partial(draping, weights), partial(read_draped_body, weights)]


def job_bytes(weights: Path, dtype: torch.dtype, defaults: Mapping[str, float]) -> int:
    """What a fit holds beside the weights, in float32 whatever the dtype."""
    return fit_bytes(draping(weights).module.sizes)
