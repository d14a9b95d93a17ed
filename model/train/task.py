"""What the loop needs to know of that which is trained."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

from PIL import Image
from torch import Generator, Tensor, nn

from model.train.examples import Source

Batch = TypeVar("Batch")


class Task(Protocol[Batch]):
    """A network, its samples and its loss.

    Attributes:
        module: what is trained; the loop moves it to its device and wraps it.
        source: where its batches come from.
    """

    module: nn.Module
    source: Source[Batch]

    def loss(self, module: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        """The mean loss of a batch, a scalar.

        Args:
            module: `self.module` as the loop wrapped it.
            generator: the only source of randomness; on the device.
        """

    def sheet(self) -> Image.Image:
        """What it makes of the first samples."""

    def write(self) -> None:
        """The weights as they are now, into the settings' `out`."""


@runtime_checkable
class Validated(Protocol):
    """A task that can measure itself on examples it never learns from."""

    def validate(self) -> dict[str, float]:
        """Means over the held-out examples by name, among them every `Goal`; nothing where there are none."""
