"""A start for small autoencoders: all the network does at first is the best linear code of 4 x 4 patches.

Trained from noise, a narrow `AutoencoderKL` spends its first half hour finding what linear algebra knows at once. Here
every residual branch starts at zero, so that only the skip path is left, and the skip path computes

* encoder: the principal components of 4 x 4 patches, each scaled to variance 1;
* decoder: two least squares fits, from latents to half size and from there to the picture, each through the nearest
  upsampling and the 3 x 3 convolution that the architecture has.

What is left on that path besides convolutions is a GroupNorm and a SiLU before each of the two output convolutions.
SiLU(x) - SiLU(-x) = x, so the path carries x and -x; and a pair of large constants in each group, +A and -A, leaves the
norm nothing to measure but A, which makes it a fixed gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn

from model.train.errors import SettingsError

_CONSTANT = 30.0  # A, against values of about 1: they change the norm's gain by less than 1 %
_LOGVAR = -6.0  # of the latents at first: a deviation of 0.05
_RIDGE = 1e-4  # of the least squares, against a mean square of about 1


def principal_components(pictures: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """The whitened principal components of 4 x 4 patches.

    Args:
        pictures: (B, 3, H, W) in [-1, 1], H and W multiples of 4.

    Returns:
        (channels, 48) and (48,): a matrix, and the mean to take away before it is applied to the channels
        of `patches`. On these pictures its outputs have mean 0, variance 1 and no correlation.
    """
    columns = patches(pictures).permute(1, 0, 2, 3).flatten(1).double()
    mean = columns.mean(1)
    variances, directions = torch.linalg.eigh(torch.cov(columns))  # ascending
    strongest = variances.flip(0)[:channels].clamp(min=1e-8).sqrt()
    matrix = directions.flip(1)[:, :channels].T / strongest[:, None]
    return matrix.to(pictures), mean.to(pictures)


def patches(pictures: Tensor) -> Tensor:
    """(B, 3, H, W) to (B, 48, H/4, W/4), the way two convolutions of stride 2 arrive there."""
    return F.pixel_unshuffle(F.pixel_unshuffle(pictures, 2), 2)


@torch.no_grad()
def start_near_linear(vae: AutoencoderKL, pictures: Tensor) -> None:
    """Set `vae` to a nearly linear code of `pictures`; weights not on the linear path stay as they were.

    Args:
        vae: three levels without attention and without quant convolutions, every level wider than the one before.
        pictures: (B, 3, H, W) in [-1, 1]; a hundred are enough.

    Raises:
        SettingsError: the autoencoder has no room for the linear path.
    """
    _check(vae)
    for module in vae.modules():
        if isinstance(module, ResnetBlock2D):
            nn.init.zeros_(module.conv2.weight)
            nn.init.zeros_(cast(Tensor, module.conv2.bias))
    _start_encoder(vae, pictures)
    _start_decoder(vae, pictures)


def _start_encoder(vae: AutoencoderKL, pictures: Tensor) -> None:
    encoder, latents = vae.encoder, vae.config.latent_channels
    matrix, mean = principal_components(pictures, latents)
    first, second, last = encoder.down_blocks
    _set(encoder.conv_in, torch.eye(3)[:, :, None, None])
    _set(first.downsamplers[0].conv, torch.eye(12).reshape(12, 3, 2, 2), corner=0)
    _set(second.resnets[0].conv_shortcut, torch.eye(12)[:, :, None, None], corner=0)
    _set(second.downsamplers[0].conv, matrix.reshape(latents, 12, 2, 2), -matrix @ mean, corner=0)
    norms = [r.norm1 for r in (*last.resnets[1:], *encoder.mid_block.resnets)] + [encoder.conv_norm_out]
    _mirror(last.resnets[0].conv_shortcut, norms, encoder.conv_out, latents)
    encoder.conv_out.weight[latents:].zero_()
    encoder.conv_out.bias[latents:].fill_(_LOGVAR)


def _start_decoder(vae: AutoencoderKL, pictures: Tensor) -> None:
    decoder, latents = vae.decoder, vae.config.latent_channels
    matrix, mean = principal_components(pictures, latents)
    code = torch.einsum("kp,bphw->bkhw", matrix, patches(pictures) - mean[:, None, None])
    first, second, last = decoder.up_blocks
    _set(decoder.conv_in, torch.eye(latents)[:, :, None, None])
    weight, bias = _least_squares(code, F.pixel_unshuffle(pictures, 2))
    _set(first.upsamplers[0].conv, weight, bias, corner=0)
    _set(second.resnets[0].conv_shortcut, torch.eye(12)[:, :, None, None], corner=0)
    half = F.conv2d(F.interpolate(code, scale_factor=2), weight, bias, padding=1)
    _set(second.upsamplers[0].conv, *_least_squares(half, pictures), corner=0)
    norms = [r.norm1 for r in last.resnets[1:]] + [decoder.conv_norm_out]
    _mirror(last.resnets[0].conv_shortcut, norms, decoder.conv_out, 3)


def _least_squares(features: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The 3 x 3 convolution (weight and bias) after nearest upsampling that comes nearest to `target`.

    Args:
        features: (B, C, h, w).
        target: (B, D, 2h, 2w).
    """
    windows = F.unfold(F.interpolate(features, scale_factor=2), 3, padding=1)  # (B, 9C, 2h 2w)
    rows = F.pad(windows, (0, 0, 0, 1), value=1.0).transpose(1, 2).flatten(0, 1)
    wanted = target.flatten(2).transpose(1, 2).flatten(0, 1)
    square = (rows.T @ rows).double() / len(rows)
    square.diagonal().add_(_RIDGE)
    solved = torch.linalg.solve(square, (rows.T @ wanted).double() / len(rows)).to(features)  # (9C + 1, D)
    return solved[:-1].T.reshape(-1, features.shape[1], 3, 3), solved[-1]


def _set(conv: nn.Conv2d, weight: Tensor, bias: Tensor | None = None, corner: int = 1) -> None:
    """The first rows of a convolution become `weight`, its taps from `corner` on, and 0 where it has none."""
    rows, columns, height, width = weight.shape
    conv.weight[:rows] = 0
    conv.weight[:rows, :columns, corner : corner + height, corner : corner + width] = weight.to(conv.weight)
    cast(Tensor, conv.bias)[:rows] = 0 if bias is None else bias.to(conv.weight)


def _mirror(into: nn.Conv2d, norms: Sequence[nn.GroupNorm], out: nn.Conv2d, count: int) -> None:
    """Carry the first `count` inputs of the 1 x 1 `into` through `norms` and SiLU, unchanged, to outputs of `out`."""
    groups, size = norms[0].num_groups, into.out_channels // norms[0].num_groups
    plus = torch.arange(groups) * size  # of the constants: the first two channels of each group
    # One pair in every group, then a second in every group, and so on.
    pairs = torch.cat([plus + place for place in range(2, size - 1, 2)])[:count]
    carried = torch.arange(count)
    into.weight.zero_()
    into.weight[pairs, carried], into.weight[pairs + 1, carried] = 1.0, -1.0
    bias = cast(Tensor, into.bias).zero_()
    bias[plus], bias[plus + 1] = _CONSTANT, -_CONSTANT
    for norm in norms:
        norm.weight.fill_(_CONSTANT * (2 / size) ** 0.5)  # the deviation that it will divide by
        norm.weight[torch.cat([plus, plus + 1])] = 1.0
        norm.bias.zero_()
    out.weight[:, torch.cat([pairs, pairs + 1, plus, plus + 1])] = 0
    out.weight[carried, pairs, 1, 1], out.weight[carried, pairs + 1, 1, 1] = 1.0, -1.0
    cast(Tensor, out.bias).zero_()


def _check(vae: AutoencoderKL) -> None:
    config = vae.config
    widths, groups, latents = config.block_out_channels, config.norm_num_groups, config.latent_channels
    if len(widths) != 3 or not widths[0] < widths[1] < widths[2]:
        raise SettingsError(f"vae.block_out_channels is {list(widths)}: a linear start needs three, growing")
    if vae.quant_conv is not None or vae.post_quant_conv is not None or config.mid_block_add_attention:
        raise SettingsError("vae: a linear start has no use_quant_conv, use_post_quant_conv or mid_block_add_attention")
    rooms = {widths[0]: (12, 3), widths[1]: (max(12, latents), 0), widths[2]: (12, latents)}
    for width, (channels, pairs) in rooms.items():
        if width < channels or groups * ((width // groups - 2) // 2) < pairs:
            raise SettingsError(
                f"vae.block_out_channels has {width}: too narrow for {latents} latent_channels in {groups} groups"
            )
