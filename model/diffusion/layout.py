"""How convolutions' weights lie in memory, and how numbers get to the device."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def prefer_channels_last(network: nn.Module) -> None:
    """Lay convolutions out with channels last where they lie on a GPU in half precision: its matrix units want it so.

    Elsewhere nothing is touched: on the host the weights may be pages of a file, which a copy would make memory of.
    """
    for parameter in network.parameters():
        if parameter.ndim == 4 and parameter.is_cuda and parameter.dtype != torch.float32:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def sent(numbers: Tensor, torch_device: torch.device) -> Tensor:
    """A host's tensor on the device, without the host waiting for the device to take it."""
    if torch_device.type != "cuda":
        return numbers.to(torch_device)
    return numbers.pin_memory().to(torch_device, non_blocking=True)
