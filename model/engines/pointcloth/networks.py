"""What the engine computes with, loaded once a worker."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.clothes.arrays import Floats
from model.engines.pointcloth import checkpoint
from model.engines.pointcloth.body import read_draped_body
from model.engines.pointcloth.codes import OutfitCode
from model.engines.pointcloth.published import built_in_codes
from model.errors import InputError
from model.perception.files import label_map_files
from model.perception.label_maps import CachedLook, LabelMaps, ThreeParsers, onnx_providers
from model.runtime.device import Device


class OutfitNetworks:
    """The draping network, the body it knows, and what finds people in photos, if it is there."""

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        self.weights = weights
        self.body = read_draped_body(weights)
        self.draping = checkpoint.draping(weights).load(device.weights_device, torch.float32)
        self.drape = device.batched(self.draping)
        self.group = checkpoint.points_together(weights)
        self.look: CachedLook[LabelMaps] | None = None
        if all(file.is_file() for file in label_map_files(weights)):
            self.look = CachedLook(ThreeParsers(weights, onnx_providers(device)), device)

    @cached_property
    def codes(self) -> Mapping[str, Floats]:
        """Outfits that are built in."""
        return built_in_codes(self.weights)

    def code(self, name: str, field: str) -> Floats:
        """The code of a built-in outfit.

        Raises:
            InputError: `no_such_outfit`.
        """
        if name not in self.codes:
            known = ", ".join(self.codes) or "none"
            raise InputError(f"'{field}' is '{name}'; built in: {known}", code=OutfitCode.NO_SUCH_OUTFIT, field=field)
        return self.codes[name]


def grouped(points: Tensor, size: int) -> tuple[Tensor, NDArray[np.int64]]:
    """Points, (N, 3), as interleaved groups of about `size`, (G, M, 3), which drape each on its own; and where each of
    the N lies among them. A last group is filled up with points of the others."""
    count = len(points)
    groups = max(1, round(count / size)) if size else 1
    each = -(-count // groups)
    numbers = np.arange(groups * each).reshape(each, groups).T % count
    place = np.empty(count, np.int64)
    place[numbers.ravel()[::-1]] = np.arange(groups * each)[::-1]
    return points[torch.from_numpy(numbers).to(points.device)], place
