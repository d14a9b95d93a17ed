"""Which networks' weights are on the device: all of them, or one network's at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

MemoryProfile = Literal["resident", "low"]


class Offload:
    """Lets the network that computes onto the device; the others wait in the host's memory.

    A network's weights come in before its forward and stay until another network needs the room. Networks may share
    weights: what the next one needs as well stays where it is. Weights are only read while computing, so leaving
    copies nothing back; one that is written to on the device loses what was written.

    Args:
        torch_device: where networks compute.
        on_leaving: called after weights have left, for the allocator to give up their place.
    """

    def __init__(self, torch_device: torch.device, on_leaving: Callable[[], None] = lambda: None) -> None:
        self._torch_device = torch_device
        self._on_leaving = on_leaving
        self._at_home: dict[Tensor, Tensor] = {}  # weight -> what it holds while it waits
        self._inside: set[Tensor] = set()

    def take(self, module: nn.Module) -> None:
        """Send the weights of `module` home, and from now on bring them in whenever it is called."""
        for weight in weights(module):
            if weight not in self._at_home:
                self._at_home[weight] = weight.data = weight.data.to("cpu")

        def bring_in(module: nn.Module, arguments: Any) -> None:
            self.bring_in(module)

        module.register_forward_pre_hook(bring_in)

    def bring_in(self, module: nn.Module) -> None:
        """Weights of others leave, those of `module` that are not there yet come in."""
        needed = set(weights(module))
        self._send_home(self._inside - needed)
        for weight in needed - self._inside:
            # A copy even on the CPU: at home, weights may be pages of a file, which cost nothing.
            weight.data = self._at_home[weight].to(self._torch_device, copy=True)
            self._inside.add(weight)

    def vacate(self) -> None:
        """All weights leave: somebody else needs the room."""
        self._send_home(set(self._inside))

    def _send_home(self, leaving: set[Tensor]) -> None:
        for weight in leaving:
            weight.data = self._at_home[weight]
            self._inside.remove(weight)
        if leaving:
            self._on_leaving()

    @property
    def bytes_inside(self) -> int:
        """What the weights on the device take."""
        return sum(weight.nbytes for weight in self._inside)


def weights(module: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers, each once."""
    yield from module.parameters()
    yield from module.buffers()


def most_at_once(sizes: Sequence[int], profile: MemoryProfile) -> int:
    """Of networks of these sizes, what is on the device at once; what they compute comes on top."""
    return sum(sizes) if profile == "resident" else max(sizes, default=0)


def bytes_at_once(modules: Sequence[nn.Module], profile: MemoryProfile) -> int:
    """What the weights of these networks take on the device, each counted once however many networks share it."""
    if profile == "low":
        return max((sum(weight.nbytes for weight in weights(module)) for module in modules), default=0)
    return sum({weight: weight.nbytes for module in modules for weight in weights(module)}.values())
