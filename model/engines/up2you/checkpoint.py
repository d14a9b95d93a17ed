"""What the avatar engine is loaded from, each part on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import nn

from model.body.smplx import read_body
from model.engines.up2you.features import weights as feature_weights
from model.engines.up2you.files import BODY, MATTING
from model.engines.up2you.request import Request
from model.engines.up2you.views import prompts
from model.engines.up2you.views import weights as view_weights
from model.engines.up2you.views.memory import resident_bytes
from model.perception.matting import open_matting
from model.weights.loading import UnloadedNetwork

_PHOTOS = 8  # of the job whose memory is told


def parts(weights: Path) -> list[Callable[[], object]]:
    """Everything that can be checked without computing."""
    networks = (
        *(views, view_weights.vae, view_weights.noise_schedule, prompts.text_encoder),
        *(feature_weights.features, feature_weights.shape_predictor, feature_weights.feature_aggregator),
    )
    return [
        *(partial(read, weights) for read in networks),
        partial(read_body, weights / BODY),
        partial(open_matting, weights / MATTING),
    ]


def views(weights: Path) -> UnloadedNetwork[nn.ModuleList]:
    """The base UNet and both adapters: what is on the device together, but for one of the adapters."""
    unet = view_weights.unet(weights)
    adapters = [view_weights.adapter(weights, stage, unet.module) for stage in view_weights.ADAPTERS]
    checkpoints = [*unet.checkpoints, *(checkpoint for adapter in adapters for checkpoint in adapter.checkpoints)]
    return UnloadedNetwork(nn.ModuleList([unet.module, *(adapter.module for adapter in adapters)]), checkpoints)


def job_bytes(weights: Path, dtype: torch.dtype, defaults: Mapping[str, float]) -> int:
    """What a job of eight photos holds beside the weights, at the pack's own size."""
    request = Request.model_validate({"photos": ["p"] * _PHOTOS}, context=defaults)
    return resident_bytes(view_weights.unet(weights).module, dtype, request.size, request.size, _PHOTOS)
