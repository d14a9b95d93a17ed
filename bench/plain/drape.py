"""The draping network with torch's own operators: `scatter_reduce` into lattices, `grid_sample` out of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.engines.pointcloth.drape.attention import LatticeAttention
from model.engines.pointcloth.drape.lattice import corners, in_cells
from model.engines.pointcloth.drape.network import DrapingNetwork


def plain_forward(network: DrapingNetwork, points: Tensor, codes: Tensor) -> Tensor:
    """(B, N, 3): as the network, channels first all through."""
    style: Tensor = network.encoder[0](codes)
    x = _styled(network, "start.1", _convolved(network, "start.0", points.mT.contiguous()), style).relu()
    for block in network.attentions_decoder:
        heads = torch.cat([_head(head, x, style, points) for head in _heads(block)], 1)
        x = x + _styled(block, "after.1", _convolved(block, "after.0", heads), style).relu()
    x = _styled(network, "final.1", _convolved(network, "final.0", x), style).relu()
    return F.conv1d(x, network.get_parameter("final.3.weight"), network.get_parameter("final.3.bias")).mT


def _heads(block: nn.Module) -> list[LatticeAttention]:
    return [head for head in block.get_submodule("attentions").children() if isinstance(head, LatticeAttention)]


def _convolved(module: nn.Module, name: str, x: Tensor) -> Tensor:
    return F.conv1d(x, module.get_parameter(f"{name}.weight"))


def _styled(module: nn.Module, name: str, x: Tensor, style: Tensor) -> Tensor:
    gain, bias = module.get_submodule(f"{name}.linear")(style)[..., None].chunk(2, 1)
    styled: Tensor = F.instance_norm(x) * (1 + gain) + bias
    return styled


def _head(head: LatticeAttention, x: Tensor, style: Tensor, points: Tensor) -> Tensor:
    keys, values = torch.split(_convolved(head, "keys_values_pred.0", x), [3, head.features], 1)
    keys, values = _styled(head, "keys_bn.0", keys, style), _styled(head, "values_bn.0", values, style)
    view = head.transform(points + head.scale * keys.mT).tanh()
    around = corners(in_cells(view, head.size), head.size)
    cells, sides = head.size**head.dimensions, [head.size] * head.dimensions
    index = around.cells.mT.flatten(1)[:, None].expand(-1, head.features, -1)
    candidates = (around.weights.mT[:, None] * values[:, :, None]).flatten(2)
    lattice = x.new_zeros(len(x), head.features, cells).scatter_reduce(2, index, candidates, "amax")
    mixed = head.conv[0](lattice.view(len(x), head.features, *sides))
    grid = view.flip(-1).reshape(len(x), *([1] * (head.dimensions - 1)), -1, head.dimensions)
    taken = F.grid_sample(mixed, grid, align_corners=True).flatten(2)
    return _styled(head, "after.0", taken, style).relu()
