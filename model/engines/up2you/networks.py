"""The networks that the stages ask, and what every avatar engine has beside them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from model.avatar.resources import Resources
from model.engines.up2you.features import weights as feature_weights
from model.engines.up2you.files import BODY, HAND_IDS, LANDMARK_IDS, MATTING, PARSING, SHAPE_PREDICTOR
from model.engines.up2you.views.generator import ViewGenerator
from model.perception.files import LABEL_MAPS
from model.perception.label_maps import onnx_providers, open_parser
from model.runtime.device import Device


class OneByOne(nn.Module):
    """A module without a batch axis, given one: rows are persons and go through it one after the other."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *tensors: Tensor) -> Tensor:
        """Each (B, ...) -> (B, ...)."""
        return torch.stack([self.module(*row) for row in zip(*tensors, strict=True)])


class UP2YouNetworks:
    """Loaded once per worker, shared by all jobs."""

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        where, full = device.weights_device, torch.float32  # what was published to run in float32 does
        self.features = device.batched(feature_weights.features(weights).load(where, device.dtype))
        self.shape_predictor = device.batched(feature_weights.shape_predictor(weights).load(where, full))
        self.feature_aggregator = device.batched(
            OneByOne(feature_weights.feature_aggregator(weights).load(where, full))
        )
        self.views = ViewGenerator(weights, device)
        self.parser = (
            open_parser(file, LABEL_MAPS[PARSING], onnx_providers(device))
            if (file := weights / PARSING).is_file()
            else None
        )
        self.resources = Resources.read(
            weights,
            device,
            shape=SHAPE_PREDICTOR,
            body=BODY,
            matting=MATTING,
            hand_ids=HAND_IDS,
            landmark_ids=LANDMARK_IDS,
        )
