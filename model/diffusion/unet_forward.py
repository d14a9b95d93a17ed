"""The forward of a stock diffusers UNet, written out.

What time adds comes from a table, memory is written in place where nobody reads it any more, and each transformer is
the caller's. Stock UNets compute both guidance halves from the first convolution to the last; here a half may be
computed only from where it begins to differ: the number of rows may double inside a transformer, and whatever else
takes part (skip connections, time, pose) is shared by both halves until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock, FeedForward
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_blocks import CrossAttnDownBlock2D, CrossAttnUpBlock2D, DownBlock2D, UpBlock2D
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

# (position of the transformer, the transformer, (R, C, h, w)) -> (R or 2R, C, h, w)
Transform = Callable[[int, Transformer2DModel, Tensor], Tensor]

# What this forward is written for, in the words of the UNet's config.
SUPPORTED_CONFIG: dict[str, object] = {
    "act_fn": "silu",
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "mid_block_scale_factor": 1,
    "center_input_sample": False,
    "only_cross_attention": False,
    "dual_cross_attention": False,
    "class_embed_type": None,
    "num_class_embeds": None,
    "addition_embed_type": None,
    "encoder_hid_dim": None,
    "encoder_hid_dim_type": None,
    "time_embedding_type": "positional",
    "time_embedding_act_fn": None,
    "timestep_post_act": None,
    "time_cond_proj_dim": None,
    "resnet_time_scale_shift": "default",
    "resnet_skip_time_act": False,
    "resnet_out_scale_factor": 1.0,
    "attention_type": "default",
}
_BLOCKS = {"DownBlock2D", "CrossAttnDownBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"}


def unsupported(config: Mapping[str, Any]) -> list[str]:
    """Where a UNet's config departs from `SUPPORTED_CONFIG`, in words."""
    found = [
        f"{key} is {config[key]!r}, only {value!r} is supported"
        for key, value in SUPPORTED_CONFIG.items()
        if config[key] != value
    ]
    types = sorted({*config["down_block_types"], *config["up_block_types"]} - _BLOCKS)
    return found + [f"a block is {name!r}, supported are {', '.join(sorted(_BLOCKS))}" for name in types]


def self_attentions(unet: nn.Module) -> list[tuple[str, Attention]]:
    """The self-attentions with their names, in the order of the forward."""
    named = [(name, module) for name, module in unet.named_modules() if name.endswith(".attn1")]
    order = ("down_blocks", "mid_block", "up_blocks")  # the UNet registers its middle last
    return sorted(named, key=lambda pair: order.index(pair[0].split(".")[0]))


def transformer_blocks(unet: nn.Module) -> list[BasicTransformerBlock]:
    """The blocks these self-attentions belong to, in the same order."""
    return [unet.get_submodule(name.removesuffix(".attn1")) for name, _ in self_attentions(unet)]


def resnets(unet: UNet2DConditionModel) -> list[ResnetBlock2D]:
    """The ResNet blocks, in the order of the forward."""
    blocks = [*unet.down_blocks, unet.mid_block, *unet.up_blocks]
    return [resnet for block in blocks for resnet in block.resnets]


def run_blocks(
    unet: UNet2DConditionModel,
    latents: Tensor,
    times: Iterator[Tensor],
    transform: Transform,
    residuals: Sequence[Tensor] = (),
) -> Tensor:
    """All of the UNet up to its last transformer.

    Args:
        latents: (R, C, h, w).
        times: from a `TimeTable`, for each ResNet block (R, its channels).
        transform: called in place of each transformer.
        residuals: added to each level on its way down, before it is kept for the way up: (R, C, h, w), ...

    Returns:
        (R or 2R, C, h, w); `predict` makes a prediction of it.
    """
    position = count()

    def run(resnet: ResnetBlock2D, transformer: Transformer2DModel | None, hidden: Tensor) -> Tensor:
        hidden = _convolve(resnet, hidden, _as_many(next(times), hidden))
        return hidden if transformer is None else transform(next(position), transformer, hidden)

    hidden: Tensor = unet.conv_in(latents.to(unet.conv_in.weight.dtype))
    kept = [hidden]
    for level, block in enumerate(unet.down_blocks):
        for resnet, transformer in _pairs(block):
            hidden = run(resnet, transformer, hidden)
            if residuals and resnet is block.resnets[-1]:
                hidden = add_to_halves(hidden, residuals[level])
            kept.append(hidden)
        for downsampler in block.downsamplers or ():
            hidden = downsampler(hidden)
            kept.append(hidden)
    for resnet, transformer in zip(unet.mid_block.resnets, [*unet.mid_block.attentions, None], strict=True):
        hidden = run(resnet, transformer, hidden)
    for block in unet.up_blocks:
        for resnet, transformer in _pairs(block):
            hidden = run(resnet, transformer, torch.cat([hidden, _as_many(kept.pop(), hidden)], dim=1))
        for upsampler in block.upsamplers or ():
            hidden = upsampler(hidden, kept[-1].shape[-2:])
    return hidden


def predict(unet: UNet2DConditionModel, hidden: Tensor) -> Tensor:
    """What follows the last transformer: (R, C, h, w) -> (R, 4, h, w) float32."""
    prediction: Tensor = unet.conv_out(F.silu(unet.conv_norm_out(hidden), inplace=True))
    return prediction.float()


def enter(transformer: Transformer2DModel, hidden: Tensor) -> Tensor:
    """A picture as a transformer's tokens, row by row: (R, C, h, w) -> (R, h * w, C)."""
    return _project(transformer.proj_in, transformer.norm(hidden).flatten(2).transpose(1, 2))


def leave(transformer: Transformer2DModel, tokens: Tensor, hidden: Tensor) -> Tensor:
    """Tokens as a picture again, added to `hidden`, which had entered."""
    picture = torch.unflatten(_project(transformer.proj_out, tokens).transpose(1, 2), 2, hidden.shape[-2:])
    return add_to_halves(picture.contiguous(memory_format=_layout(hidden)), hidden)


def feed_forward(layer: FeedForward, tokens: Tensor) -> Tensor:
    """The gated linear unit of a block, and the projection behind it: (R, N, C) -> (R, N, C)."""
    gated, projection = layer.net[0], layer.net[2]
    values, gate = gated.proj(tokens).chunk(2, dim=-1)
    mixed: Tensor = projection(F.gelu(gate).mul_(values))
    return mixed


def add_to_halves(hidden: Tensor, shared: Tensor) -> Tensor:
    """Add (R, ...) to (R, ...), or to each half of (2R, ...)."""
    return (torch.unflatten(hidden, 0, (-1, len(shared))) + shared).flatten(0, 1)


def _convolve(resnet: ResnetBlock2D, hidden: Tensor, time: Tensor) -> Tensor:
    """A ResNet block without its time embedding: (R, C, h, w) and (R, C') -> (R, C', h, w)."""
    inner: Tensor = resnet.conv1(F.silu(resnet.norm1(hidden), inplace=True))
    inner += time[:, :, None, None]
    inner = resnet.conv2(F.silu(resnet.norm2(inner), inplace=True))
    inner += hidden if resnet.conv_shortcut is None else resnet.conv_shortcut(hidden)
    return inner


def _layout(hidden: Tensor) -> torch.memory_format:
    nhwc = hidden.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if nhwc else torch.contiguous_format


def _project(layer: nn.Linear | nn.Conv2d, tokens: Tensor) -> Tensor:
    """A linear layer, or a convolution of one pixel, which is the same: (R, N, C) -> (R, N, C)."""
    return F.linear(tokens, layer.weight.flatten(1), layer.bias)


def _as_many(shared: Tensor, hidden: Tensor) -> Tensor:
    """The same for each half of `hidden`, if it has halves."""
    halves = len(hidden) // len(shared)
    return shared if halves == 1 else shared.repeat(halves, *[1] * (shared.ndim - 1))


def _pairs(
    block: CrossAttnDownBlock2D | DownBlock2D | CrossAttnUpBlock2D | UpBlock2D,
) -> Iterator[tuple[ResnetBlock2D, Transformer2DModel | None]]:
    return zip(block.resnets, getattr(block, "attentions", [None] * len(block.resnets)), strict=True)
