"""The UNet that serves against the stock one it was made of."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Tensor, nn

from model.diffusion.attention import keep_only_self_attention
from model.diffusion.layout import prefer_channels_last
from model.diffusion.time_table import TimeTable
from model.diffusion.unet_forward import resnets, unsupported
from model.engines.catvton.denoiser import ConcatDenoiser
from model.engines.catvton.fast_denoiser import FastDenoiser, fast_denoiser
from tests.untrained import UNET_CONFIG

TRAIN_STEPS = 1000
TOLERANCE = 1e-5  # of the largest number
# Another make: one level without attention on the way up and down, one layer a level, two transformers in a row.
OTHER = {
    "block_out_channels": [16, 32],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "transformer_layers_per_block": 2,
    "use_linear_projection": True,
}


def unet_with(**changes: Any) -> UNet2DConditionModel:
    """A tiny UNet without cross-attention. Nothing in it is zero, as time embeddings' biases would be."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        unet = UNet2DConditionModel.from_config(UNET_CONFIG | changes).eval().requires_grad_(False)
        keep_only_self_attention(unet)
        for parameter in unet.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    return unet


@pytest.fixture(scope="module")
def made() -> UNet2DConditionModel:
    return unet_with()


@pytest.fixture
def unet(made: UNet2DConditionModel) -> UNet2DConditionModel:
    """As published, and to be changed at will."""
    return copy.deepcopy(made)


def inputs(channels: int, cells: tuple[int, int] = (16, 8)) -> tuple[Tensor, Tensor, Tensor]:
    """Rows at different timesteps, the first and the last among them."""
    generator = Generator().manual_seed(1)
    timesteps = torch.tensor([0, 41, 801, TRAIN_STEPS - 1])
    latents, condition = (torch.randn(4, c, *cells, generator=generator) for c in (4, channels - 4))
    return latents, timesteps, condition


def distance(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@torch.no_grad()
@pytest.mark.parametrize("channels", [9, 8], ids=["mask", "maskfree"])
@pytest.mark.parametrize("changes", [{}, OTHER], ids=["published make", "another"])
def test_it_predicts_what_the_stock_unet_predicts(channels: int, changes: dict[str, Any]) -> None:
    unet, given = unet_with(in_channels=channels, **changes), inputs(channels)
    expected = ConcatDenoiser(copy.deepcopy(unet))(*given)
    fast = fast_denoiser(unet, TRAIN_STEPS)
    assert isinstance(fast, FastDenoiser)
    assert distance(fast(*given), expected) < TOLERANCE


@torch.no_grad()
def test_sizes_need_not_halve_evenly(unet: UNet2DConditionModel) -> None:
    given = inputs(9, cells=(10, 6))
    expected = ConcatDenoiser(copy.deepcopy(unet))(*given)
    assert distance(fast_denoiser(unet, TRAIN_STEPS)(*given), expected) < TOLERANCE


@torch.no_grad()
def test_channels_last_weights_give_the_same(unet: UNet2DConditionModel) -> None:
    given = inputs(9)
    expected = ConcatDenoiser(copy.deepcopy(unet))(*given)
    fast: Any = fast_denoiser(unet, TRAIN_STEPS)
    fast.to(memory_format=torch.channels_last)
    layouts: list[bool] = []
    hook = fast.unet.stock.conv_norm_out.register_forward_hook(
        lambda _, arguments, __: layouts.append(arguments[0].is_contiguous(memory_format=torch.channels_last))
    )
    assert distance(fast(*given), expected) < TOLERANCE
    hook.remove()
    assert layouts == [True]


def test_convolutions_on_the_host_stay_where_they_were_loaded(unet: UNet2DConditionModel) -> None:
    """Pages of a file: a copy in another layout would make gigabytes of memory of them."""
    before = {name: weight.data_ptr() for name, weight in unet.named_parameters() if weight.ndim == 4}
    fast: Any = fast_denoiser(unet, TRAIN_STEPS)
    prefer_channels_last(fast)
    after = {name: weight.data_ptr() for name, weight in fast.unet.stock.named_parameters() if weight.ndim == 4}
    assert after == before


@torch.no_grad()
def test_half_precision_stays_inside(unet: UNet2DConditionModel) -> None:
    given = inputs(9)
    expected = ConcatDenoiser(copy.deepcopy(unet))(*given)
    fast: Any = fast_denoiser(unet.to(torch.bfloat16), TRAIN_STEPS)
    assert fast.unet.times.rows.dtype == torch.bfloat16
    found = fast(*given)
    assert found.dtype == torch.float32
    assert distance(found, expected) < 0.05


@torch.no_grad()
def test_the_table_holds_what_each_block_adds_at_each_timestep(unet: UNet2DConditionModel) -> None:
    timesteps = torch.tensor([7, 999])
    embedded = unet.time_embedding(unet.get_time_embed(torch.zeros(2, 4), timesteps))
    expected = [block.time_emb_proj(nn.functional.silu(embedded)) for block in resnets(unet)]
    found = list(TimeTable(unet, TRAIN_STEPS)(timesteps))
    assert len(found) == len(expected) == 22
    for ours, theirs in zip(found, expected, strict=True):
        assert distance(ours, theirs) < TOLERANCE


def test_no_weight_is_held_twice_and_those_of_time_are_gone(unet: UNet2DConditionModel) -> None:
    stock = {name: parameter.numel() for name, parameter in unet.named_parameters()}
    of_time = sum(count for name, count in stock.items() if "time_emb" in name)
    fast: Any = fast_denoiser(unet, TRAIN_STEPS)
    assert sum(parameter.numel() for parameter in fast.parameters()) == sum(stock.values()) - of_time
    (table,) = fast.buffers()
    assert table.shape == (TRAIN_STEPS, sum(fast.unet.times.widths))


@torch.no_grad()
def test_a_unet_that_of_another_make_is_served_by_the_stock_form() -> None:
    unet, given = unet_with(resnet_time_scale_shift="scale_shift"), inputs(9)
    expected = ConcatDenoiser(copy.deepcopy(unet))(*given)
    assert torch.equal(fast_denoiser(unet, TRAIN_STEPS)(*given), expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"act_fn": "gelu"}, ["act_fn is 'gelu', only 'silu' is supported"]),
        ({"only_cross_attention": (True, False)}, ["only_cross_attention is (True, False), only False is supported"]),
        ({"up_block_types": ["UpBlock2D", "SimpleCrossAttnUpBlock2D"]}, ["a block is 'SimpleCrossAttnUpBlock2D'"]),
    ],
)
def test_what_is_unsupported_is_named(made: UNet2DConditionModel, change: dict[str, Any], said: list[str]) -> None:
    found = unsupported({**made.config, **change})
    assert [one.split(", supported")[0] for one in found] == said
