"""A stock diffusers UNet with its weights, made ready for the forward of `unet_forward`."""

from __future__ import annotations

from collections.abc import Sequence

from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from model.diffusion.fused_attention import fuse_self_attention
from model.diffusion.layout import prefer_channels_last
from model.diffusion.time_table import TimeTable
from model.diffusion.unet_forward import Transform, predict, run_blocks


class FastUNet(nn.Module):
    """What several networks may share: fused self-attention, and a table for time.

    Args:
        unet: one in which `unsupported` finds nothing. Its own `forward` no longer works.
        train_steps: how many timesteps there are.
    """

    def __init__(self, unet: UNet2DConditionModel, train_steps: int) -> None:
        super().__init__()
        self.stock = unet
        self.times = TimeTable(unet, train_steps)
        fuse_self_attention(unet)
        prefer_channels_last(unet)

    def forward(
        self, latents: Tensor, timesteps: Tensor, transform: Transform, residuals: Sequence[Tensor] = ()
    ) -> Tensor:
        """`run_blocks` with timesteps, (R,) int64."""
        return run_blocks(self.stock, latents, self.times(timesteps), transform, residuals)

    def predict(self, hidden: Tensor) -> Tensor:
        """What follows the last transformer: (R, C, h, w) -> (R, 4, h, w) float32."""
        return predict(self.stock, hidden)
