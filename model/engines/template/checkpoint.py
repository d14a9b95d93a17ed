"""What the template engine is loaded from, each part on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch

from model.body.smplx import read_body
from model.engines.template.engine import label_bytes
from model.engines.template.files import BODY, MATTING
from model.engines.template.networks import outfit_network, place_network
from model.perception.matting import open_matting

_PHOTOS = 8  # of the job whose memory is told


def parts(weights: Path) -> list[Callable[[], object]]:
    """Everything that can be checked without computing."""
    return [
        partial(place_network, weights),
        partial(outfit_network, weights),
        partial(read_body, weights / BODY),
        partial(open_matting, weights / MATTING),
    ]


def job_bytes(weights: Path, dtype: torch.dtype, defaults: Mapping[str, float]) -> int:
    """What a job of eight photos holds beside the weights."""
    return label_bytes(_PHOTOS)
