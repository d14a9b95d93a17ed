"""Everything the stages ask: networks on the device, the body model, the rasteriser, the matting beside them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from model.body.hands import hands
from model.body.smplx import read_body
from model.engines.up2you.features import weights as feature_weights
from model.engines.up2you.files import BODY, HAND_IDS, LANDMARK_IDS, MATTING
from model.engines.up2you.views.views import Views
from model.mesh.rasterisers import open_rasteriser
from model.perception.label_maps import onnx_providers
from model.perception.matting import open_matting
from model.runtime.device import Device
from model.weights.pack import Pack


class OneByOne(nn.Module):
    """A module without a batch axis, given one: rows are persons and go through it one after the other."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *tensors: Tensor) -> Tensor:
        """Each (B, ...) -> (B, ...)."""
        return torch.stack([self.module(*row) for row in zip(*tensors, strict=True)])


class Networks:
    """Loaded once per worker, shared by all jobs."""

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        home, full = device.weights_device, torch.float32  # what was published to run in float32 does
        self.features = device.batched(feature_weights.features(weights).load(home, device.dtype))
        self.shape_predictor = device.batched(feature_weights.shape_predictor(weights).load(home, full))
        self.feature_aggregator = device.batched(OneByOne(feature_weights.feature_aggregator(weights).load(home, full)))
        self.views = Views(weights, device)
        self.body = read_body(weights / BODY).to(device.torch_device)
        hand_ids, landmark_ids = (
            file if (file := weights / name).is_file() else None for name in (HAND_IDS, LANDMARK_IDS)
        )
        self.hands = hands(self.body, hand_ids, landmark_ids)
        self.rasteriser = open_rasteriser(device.torch_device)
        self.matting = open_matting(weights / MATTING, onnx_providers(device))
        licence = Pack(weights).facts(weights / BODY).licence or "unknown"
        self.notice = f"Skeleton and skin weights derive from a body model; its licence: {licence}"
