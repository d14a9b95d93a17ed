"""The network: heat maps of joints (Newell et al. 2016), read as two lines of votes (SimCC, Li et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.train.parsing.network import Trunk

HEIGHT, WIDTH = 192, 144  # of its input
STRIDE = 4  # of its heat maps
VOTES_A_PIXEL = 2  # as DWPose's networks have
JOINTS = 17  # COCO's

_CHANNELS = (24, 48, 80, 128)  # at strides 2, 4, 8, 16
_LAST = 48  # channels that the heat maps are made of


class JointsNetwork(nn.Module):
    """(B, 3, 192, 144) to logits: votes for x (B, 17, 288) and for y (B, 17, 384), and heat maps (B, 17, 48, 36)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(_CHANNELS, _LAST, STRIDE)
        self.heat = nn.Conv2d(_LAST, JOINTS, 1)
        self.across = _line(WIDTH)
        self.down = _line(HEIGHT)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heat = self.heat(self.trunk(pictures))
        return self.across(heat.amax(2)), self.down(heat.amax(3)), heat

    def votes(self) -> nn.Module:
        """What is asked of it once it is trained, sharing its weights: both lines in 0..1."""
        return _Votes(self)


class _Votes(nn.Module):
    def __init__(self, network: JointsNetwork) -> None:
        super().__init__()
        self.heat = nn.Sequential(network.trunk, network.heat)
        self.across, self.down = network.across, network.down

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        heat = self.heat(pictures)
        return self.across(heat.amax(2)).sigmoid(), self.down(heat.amax(3)).sigmoid()


def _line(length: int) -> nn.Linear:
    """From a heat map's columns (or rows) to votes, at first by linear interpolation."""
    cells, votes = length // STRIDE, length * VOTES_A_PIXEL
    line = nn.Linear(cells, votes)
    places = (torch.arange(votes) / VOTES_A_PIXEL + 0.5) / STRIDE - 0.5
    with torch.no_grad():
        line.weight.copy_((1 - (places[:, None] - torch.arange(cells)).abs()).clamp(min=0))
        line.bias.zero_()
    return line
