"""What the avatar engine is loaded from, each part on its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from model.body.smplx import read_body
from model.perception.matting import open_matting
from model.up2you import feature_weights, prompts, view_weights
from model.up2you.adapters import Adapter, Stage
from model.up2you.files import BODY, MATTING
from model.weights.loading import Network


def parts(weights: Path) -> list[Callable[[], object]]:
    """Everything that can be checked without computing. The text encoder is used at the start only."""
    return [
        *(
            partial(read, weights)
            for read in (
                *(view_weights.unet, view_weights.vae, view_weights.noise_schedule, prompts.text_encoder),
                *(feature_weights.features, feature_weights.shape_predictor, feature_weights.feature_aggregator),
            )
        ),
        *(partial(_adapter, weights, stage) for stage in view_weights.ADAPTERS),
        partial(read_body, weights / BODY),
        partial(open_matting, weights / MATTING),
    ]


def _adapter(weights: Path, stage: Stage) -> Network[Adapter]:
    return view_weights.adapter(weights, stage, view_weights.unet(weights).module)
