"""What time adds to a UNet's channels, worked out for all timesteps before the first forward."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from model.diffusion.unet_forward import resnets


class TimeTable(nn.Module):
    """A row for each training timestep: what every ResNet block adds to its channels then.

    Stock UNets embed the timestep and project it once for each block in every forward, in dozens of small kernels. All
    that depends on the timestep alone. The layers it is made of leave the UNet, for they have more numbers than the
    table: at the published size 28 against 20 million.

    Args:
        unet: a diffusers UNet with its weights. From now on only `unet_forward` can run it.
        train_steps: how many timesteps there are.
    """

    def __init__(self, unet: UNet2DConditionModel, train_steps: int) -> None:
        super().__init__()
        blocks = resnets(unet)
        self.widths = [block.time_emb_proj.out_features for block in blocks]
        weight = unet.conv_in.weight
        table = torch.empty(train_steps, sum(self.widths), dtype=weight.dtype, device=weight.device)
        with torch.no_grad():
            time = F.silu(_embedded(unet, torch.arange(train_steps, device=weight.device)))  # (train_steps, T)
            for block, columns in zip(blocks, torch.split(table, self.widths, dim=1), strict=True):
                columns.copy_(_in_float32(block.time_emb_proj, time))
                block.time_emb_proj = None
        del unet.time_embedding
        self.rows: Tensor
        self.register_buffer("rows", table, persistent=False)

    def forward(self, timesteps: Tensor) -> Iterator[Tensor]:
        """(R,) int64 -> for each ResNet block, in the order of the forward, (R, its channels)."""
        return iter(torch.split(self.rows[timesteps], self.widths, dim=1))


def _embedded(unet: UNet2DConditionModel, timesteps: Tensor) -> Tensor:
    hidden = F.silu(_in_float32(unet.time_embedding.linear_1, unet.time_proj(timesteps)))
    return _in_float32(unet.time_embedding.linear_2, hidden)


def _in_float32(linear: nn.Linear, rows: Tensor) -> Tensor:
    """Exact also where the host would have to multiply in half precision, which it does slowly."""
    return F.linear(rows.float(), linear.weight.float(), linear.bias.float())
