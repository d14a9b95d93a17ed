"""An adapter: what turns the one base UNet into the denoiser of RGB views, or into that of normal views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from model.diffusion.fused_attention import fuse
from model.diffusion.unet_forward import self_attentions
from model.engines.up2you.views.attention import Branch
from model.engines.up2you.views.condition_encoder import ConditionEncoder

ViewStage = Literal["rgb", "normals"]

_PARAMETERS = ("to_q_{}.weight", "to_k_{}.weight", "to_v_{}.weight", "to_out_{}.0.weight", "to_out_{}.0.bias")
_BRANCHES = {"mv": "views", "ref": "references"}  # in published keys, here
_ENCODER = "adapter."


class AttentionAdapter(nn.Module):
    """The two branches beside one self-attention. All three read the same tokens and their outputs are added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.views = Branch(channels)
        self.references = Branch(channels)


class Adapter(nn.Module):
    """Both branches of every self-attention, and the condition encoder.

    Args:
        channels: of each self-attention of the UNet, in the order in which it reaches them.
        levels: channels of the UNet's levels, finest first.
    """

    def __init__(self, channels: Sequence[int], levels: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(AttentionAdapter(width) for width in channels)
        self.encoder = ConditionEncoder(levels)


def fuse_views(adapter: Adapter) -> None:
    """Fuse the projections of every row-wise branch of an adapter with its weights, for `multi_view_attention`."""
    layers: Any = adapter.layers
    for layer in layers:
        fuse(layer.views, ("to_q", "to_k", "to_v"), "to_qkv")


def adapter_of(unet: UNet2DConditionModel) -> Adapter:
    """An adapter that fits a diffusers UNet, with numbers of its own."""
    channels = [attention.to_q.in_features for _, attention in self_attentions(unet)]
    return Adapter(channels, unet.config.block_out_channels)


def adapter_names(unet: nn.Module, adapter: Adapter) -> dict[str, str]:
    """Key in a published adapter file -> name in `adapter`."""
    names = {
        f"{attention}.processor.{parameter.format(branch)}": f"layers.{i}.{ours}.{_here(parameter)}"
        for i, (attention, _) in enumerate(self_attentions(unet))
        for branch, ours in _BRANCHES.items()
        for parameter in _PARAMETERS
    }
    encoder = adapter.encoder.stock.state_dict()
    return names | {name: f"encoder.stock.{name}" for name in encoder if name.startswith(_ENCODER)}


def _here(parameter: str) -> str:
    return parameter.replace("_{}.0", "").replace("_{}", "")
