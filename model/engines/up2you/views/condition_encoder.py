"""The condition encoder: what the pose images add to the UNet at each of its levels (T2I-Adapter, arXiv 2302.08453)."""

from __future__ import annotations

from collections.abc import Sequence

from diffusers.models.adapter import T2IAdapter
from torch import Tensor, nn


class ConditionEncoder(nn.Module):
    """The stock full adapter, as a module whose rows are views.

    Args:
        channels: of the UNet's levels, finest first.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.stock = T2IAdapter(in_channels=3, channels=list(channels), adapter_type="full_adapter")

    def forward(self, poses: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            poses: (views, 3, H, W) in [0, 1]; unlike the pictures of other networks, not brought to [-1, 1].

        Returns:
            For each level (views, C, H/8, W/8), (views, C, H/16, W/16), ..., in the encoder's dtype.
        """
        return tuple(self.stock(poses.to(self.stock.dtype)))
