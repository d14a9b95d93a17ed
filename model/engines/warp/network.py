"""Both networks as one, and how a picture comes of what they say.

geometry, garment ──► flow network ──► flow, region ──► garment seen through the flow ─┐
photo without the old garment ─────────────────────────────────────────────────────────┴─► try-on module
                                                                                                │
cloth = garment(flow) · exp(shade)      under = paint in the hole, else the photo     ◄── shade, region, paint
result = region · cloth + (1 - region) · under
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.engines.warp.flow_network import FlowNetwork
from model.engines.warp.grids import enlarged, sampled
from model.engines.warp.inputs import Inputs
from model.engines.warp.tryon_module import TryOnModule

_MOST_SHADE = 1.5  # e to this is the strongest gain


class Fields(NamedTuple):
    """All at sizes of their own; see `Flow` and `Paint`. first_logits: the region before the try-on module saw it."""

    flow_12: Tensor
    flow_24: Tensor
    flow: Tensor
    first_logits: Tensor
    logits: Tensor
    shade: Tensor
    painted: Tensor


class WarpNetwork(nn.Module):
    """`Inputs` in, `Fields` out. Rows are independent."""

    def __init__(self) -> None:
        super().__init__()
        self.flow_network = FlowNetwork()
        self.tryon_module = TryOnModule()

    def forward(self, geometry: Tensor, person: Tensor, garment: Tensor) -> Fields:
        flows, first_logits, features = self.flow_network(geometry, garment)
        flow = enlarged(flows[-1], garment.shape[2:]).detach()
        warped = torch.cat([sampled(garment[:, :3], flow), sampled(garment[:, 3:], flow, "zeros")], 1)
        region = torch.sigmoid(first_logits.detach())
        painted, correction, shade = self.tryon_module(person, warped, region, features)
        coarse, middle, fine = flows
        return Fields(coarse, middle, fine, first_logits, first_logits + correction, shade, painted)

    def see(self, seen: Inputs) -> Fields:
        """Both at once, of what `inputs` made."""
        fields: Fields = self(*seen)
        return fields


def shaded(cloth: Tensor, shade: Tensor) -> Tensor:
    """Cloth in [-1, 1] in another light; its shade at the cloth's size."""
    return ((cloth + 1) * torch.exp(shade.clamp(-_MOST_SHADE, _MOST_SHADE)) - 1).clamp(-1, 1)


def composed(fields: Fields, photo: Tensor, hole: Tensor, mask: Tensor, garment: Tensor) -> Tensor:
    """The result at the networks' own size, (B, 3, H, W) in [-1, 1]; differentiable."""
    size = photo.shape[2:]
    region = torch.sigmoid(fields.logits) * mask
    cloth = shaded(sampled(garment[:, :3], enlarged(fields.flow, size)), enlarged(fields.shade, size))
    under = photo * (1 - hole) + fields.painted * hole
    return region * cloth + (1 - region) * under
