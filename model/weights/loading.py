"""Strict loading: a published checkpoint fits its network key for key, or an error says where it does not."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Generic, TypeVar
from zipfile import is_zipfile

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from model.errors import WeightsError
from model.weights.layout import CONFIG, tensor_file

M = TypeVar("M", bound=nn.Module)
Shapes = Mapping[str, torch.Size]

_MOST_HINTS = 10  # finding the nearest key takes tens of milliseconds


@dataclass
class Checkpoint:
    """A file's tensors beside what a network expects of it.

    Args:
        file: where the tensors come from, for messages.
        expected: every key the file must have, with its shape.
        tensors: what the file has, by the key that is expected where it has several names.
        names: key in the file -> name in the network, where they differ; or the names of the equal parts its first
            axis falls into, where the network keeps apart what the file has in one piece.
        problems: what was wrong with the file before anything was compared; the comparison adds to it.
    """

    file: Path
    expected: Shapes
    tensors: Mapping[str, Tensor]
    names: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.tensors:
            self.problems += differences(self.expected, {key: tensor.shape for key, tensor in self.tensors.items()})

    def verified(self) -> dict[str, Tensor]:
        """The tensors by their names in the network.

        Raises:
            WeightsError: there is a problem; names the file, the first of them and how many more there are.
        """
        if self.problems:
            more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            raise WeightsError(f"{self.file}: {self.problems[0]}{more}")
        verified: dict[str, Tensor] = {}
        for key, tensor in self.tensors.items():
            names = self.names.get(key, key)
            parts = {names: tensor} if isinstance(names, str) else zip(names, tensor.chunk(len(names)), strict=True)
            verified.update(parts)
        return verified


@dataclass
class UnloadedNetwork(Generic[M]):
    """A network that has no memory yet and the checkpoints that fill it, later ones over earlier ones.

    on_host: it never gets onto the device.
    """

    module: M
    checkpoints: list[Checkpoint]
    on_host: bool = False

    def parameters(self) -> int:
        """How many numbers are kept on the device; what a checkpoint has beyond them is never allocated."""
        return 0 if self.on_host else sum(tensor.numel() for tensor in self.module.state_dict().values())

    def load(self, device: torch.device, dtype: torch.dtype) -> M:
        """Fill the network from the memory-mapped files, tensor by tensor, on `device`.

        Raises:
            WeightsError: a checkpoint does not fit.
        """
        tensors: dict[str, Tensor] = {}
        for checkpoint in self.checkpoints:
            tensors |= checkpoint.verified()
        wanted = {key: _kept(tensors[key], device, dtype) for key in self.module.state_dict()}
        self.module.load_state_dict(wanted, assign=True)
        return self.module


def _kept(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The tensor on `device`; counters stay whole numbers."""
    return tensor.to(device, dtype if tensor.is_floating_point() else tensor.dtype)


def build(network: type[M], folder: Path) -> M:
    """A stock diffusers network as `folder`'s config describes it, on the meta device: shapes without memory."""
    file = folder / CONFIG
    try:
        config = json.loads(file.read_bytes())
        with torch.device("meta"):
            module: M = network.from_config(config)  # type: ignore[attr-defined]
    except (OSError, TypeError, ValueError) as error:
        raise WeightsError(f"{file}: {error}") from error
    return module.eval().requires_grad_(False)


def read_tensors(file: Path) -> tuple[dict[str, Tensor], list[str]]:
    """All tensors of a `.safetensors` file or of one of torch's (`.bin`, `.pt`, `.pth`), and why there are none if so.

    They are memory-mapped: nothing is read before it is used. (Except torch's files from before 2020.)
    """
    try:
        tensors = _read_safetensors(file) if file.suffix == ".safetensors" else _read_bin(file)
    except (OSError, SafetensorError, pickle.UnpicklingError) as error:
        return {}, [f"cannot be read: {error}"]
    return tensors, [] if tensors else ["holds no tensors"]


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    with safe_open(file, framework="pt") as opened:
        return {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - it is no mapping


def _read_bin(file: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=is_zipfile(file))
    except Exception as error:  # broken bytes lead it to raise whatever
        raise pickle.UnpicklingError(str(error) or "it ends too early") from error
    if not isinstance(content, dict) or not all(isinstance(tensor, Tensor) for tensor in content.values()):
        raise pickle.UnpicklingError("it holds more than tensors by name")
    return content


def stock_checkpoint(module: nn.Module, folder: Path) -> Checkpoint:
    """`folder`'s tensors beside the shapes of `module`, which `build` made from the same folder."""
    file = tensor_file(folder)
    expected = {key: tensor.shape for key, tensor in module.state_dict().items()}
    tensors, problems = read_tensors(file)
    return Checkpoint(file, expected, _with_modern_names(tensors, expected), problems=problems)


def differences(expected: Shapes, found: Shapes) -> list[str]:
    """Every unexpected key, missing key and wrong shape, in words. Empty when the two agree."""
    missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
    unexpected = _named("unexpected", extra, missing or expected)
    absent = _named("missing", missing, extra)
    misshapen = [
        f"{key!r} has shape {tuple(found[key])}, expected {tuple(shape)}"
        for key, shape in expected.items()
        if key in found and found[key] != shape
    ]
    return unexpected + absent + misshapen


def _named(what: str, keys: Iterable[str], candidates: Iterable[str]) -> list[str]:
    candidates = sorted(candidates)
    return [
        f"{what} key {key!r}{_nearest(key, candidates) if i < _MOST_HINTS else ''}"
        for i, key in enumerate(sorted(keys))
    ]


def _nearest(key: str, candidates: Sequence[str]) -> str:
    nearest = get_close_matches(key, candidates, n=1)
    return f", nearest is {nearest[0]!r}" if nearest else ""


# Autoencoders published before 2023 call the projections of their attention by these names.
_MODERN_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def _with_modern_names(tensors: Mapping[str, Tensor], expected: Mapping[str, object]) -> dict[str, Tensor]:
    renamed = {}
    for key, tensor in tensors.items():
        attention, _, parameter = key.rpartition(".")
        attention, _, projection = attention.rpartition(".")
        modern = f"{attention}.{_MODERN_NAMES.get(projection, projection)}.{parameter}"
        renamed[modern if modern in expected and modern not in tensors else key] = tensor
    return renamed
