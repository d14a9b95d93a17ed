"""Which networks' weights are on the device: all of them, or one network's at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from model.runtime.device_config import MemoryProfile


class Offload:
    """Keeps the weights of the network that computes on the device, and those of the others in the host's memory.

    A network's weights are loaded before its forward and stay until another network needs the room. Networks may share
    weights: what the next one needs as well stays where it is. Weights are only read while computing, so unloading
    copies nothing back; one that is written to on the device loses what was written.

    Args:
        torch_device: where networks compute.
        on_unload: called after weights were unloaded, for the allocator to give up their place.
    """

    def __init__(self, torch_device: torch.device, on_unload: Callable[[], None] = lambda: None) -> None:
        self._torch_device = torch_device
        self._on_unload = on_unload
        self._on_host: dict[Tensor, Tensor] = {}  # weight -> what it holds while it waits
        self._loaded: set[Tensor] = set()

    def manage(self, module: nn.Module) -> None:
        """Move the weights of `module` to the host, and from now on load them whenever it is called."""
        for weight in weights(module):
            if weight not in self._on_host:
                self._on_host[weight] = weight.data = weight.data.to("cpu")

        def load(module: nn.Module, arguments: object) -> None:
            self.load(module)

        module.register_forward_pre_hook(load)

    def load(self, module: nn.Module) -> None:
        """Unload the weights of others, and load those of `module` that are not there yet."""
        needed = set(weights(module))
        self._unload(self._loaded - needed)
        for weight in needed - self._loaded:
            # A copy even on the CPU: on the host, weights may be pages of a file, which cost nothing.
            weight.data = self._on_host[weight].to(self._torch_device, copy=True)
            self._loaded.add(weight)

    def unload_all(self) -> None:
        """Free the device of weights: somebody else needs the room."""
        self._unload(set(self._loaded))

    def _unload(self, leaving: set[Tensor]) -> None:
        for weight in leaving:
            weight.data = self._on_host[weight]
            self._loaded.remove(weight)
        if leaving:
            self._on_unload()

    @property
    def bytes_loaded(self) -> int:
        """Of the weights on the device."""
        return sum(weight.nbytes for weight in self._loaded)


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
