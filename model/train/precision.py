"""Mixed precision of the networks that are not trained; accelerate takes care of those that are."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


def autocast(device: torch.device, mixed_precision: str) -> AbstractContextManager[object]:
    """Everything inside computes in the setting's precision."""
    if mixed_precision not in _DTYPES:
        return nullcontext()
    return torch.autocast(device.type, _DTYPES[mixed_precision])
