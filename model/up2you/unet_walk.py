"""A stock diffusers UNet, walked by hand.

Its own `forward` computes both guidance halves from the first convolution to the last. Here a half is computed only
from where it begins to differ: the number of rows may double inside a transformer, and whatever else takes part (skip
connections, time, pose) is shared by both halves until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

# (position of the transformer, the transformer, (R, C, h, w)) -> (R or 2R, C, h, w)
Transform = Callable[[int, Any, Tensor], Tensor]


def self_attentions(unet: nn.Module) -> list[tuple[str, Any]]:
    """The self-attentions with their names, in the order in which the walk reaches them."""
    named = [(name, module) for name, module in unet.named_modules() if name.endswith(".attn1")]
    order = ("down_blocks", "mid_block", "up_blocks")  # the UNet registers its middle last
    return sorted(named, key=lambda pair: order.index(pair[0].split(".")[0]))


def transformer_blocks(unet: nn.Module) -> list[Any]:
    """The blocks these self-attentions belong to, in the same order."""
    return [unet.get_submodule(name.removesuffix(".attn1")) for name, _ in self_attentions(unet)]


def walk(
    unet: Any, latents: Tensor, timesteps: Tensor, transform: Transform, residuals: Sequence[Tensor] = ()
) -> Tensor:
    """All of the UNet up to its last transformer.

    Args:
        latents: (R, 4, h, w).
        timesteps: (R,).
        transform: called in place of each transformer.
        residuals: added to each level on its way down, before it is kept for the way up: (R, C, h, w), ...

    Returns:
        (R or 2R, C, h, w); `predict` makes a prediction of it.
    """
    latents = latents.to(unet.dtype)
    time = unet.time_embedding(unet.get_time_embed(latents, timesteps))  # (R, T)
    position = count()

    def run(resnet: Any, transformer: Any, hidden: Tensor) -> Tensor:
        hidden = resnet(hidden, _as_many(time, hidden))
        return hidden if transformer is None else transform(next(position), transformer, hidden)

    hidden: Tensor = unet.conv_in(latents)
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


def predict(unet: Any, hidden: Tensor) -> Tensor:
    """What follows the last transformer: (R, C, h, w) -> (R, 4, h, w) float32."""
    prediction: Tensor = unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))
    return prediction.float()


def enter(transformer: Any, hidden: Tensor) -> Tensor:
    """A picture as a transformer's tokens, row by row: (R, C, h, w) -> (R, h * w, C)."""
    tokens: Tensor = transformer.proj_in(transformer.norm(hidden).flatten(2).transpose(1, 2))
    return tokens


def leave(transformer: Any, tokens: Tensor, hidden: Tensor) -> Tensor:
    """Tokens as a picture again, added to `hidden`, which had entered."""
    picture = transformer.proj_out(tokens).transpose(1, 2).unflatten(2, hidden.shape[-2:])
    return add_to_halves(picture.contiguous(), hidden)


def add_to_halves(hidden: Tensor, shared: Tensor) -> Tensor:
    """Add (R, ...) to (R, ...), or to each half of (2R, ...)."""
    return (torch.unflatten(hidden, 0, (-1, len(shared))) + shared).flatten(0, 1)


def _as_many(shared: Tensor, hidden: Tensor) -> Tensor:
    """The same for each half of `hidden`, if it has halves."""
    halves = len(hidden) // len(shared)
    return shared if halves == 1 else shared.repeat(halves, *[1] * (shared.ndim - 1))


def _pairs(block: Any) -> Iterator[tuple[Any, Any]]:
    return zip(block.resnets, getattr(block, "attentions", [None] * len(block.resnets)), strict=True)
