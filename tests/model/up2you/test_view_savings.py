"""The fast forms of both diffusion stages against the plain one, and what they no longer compute."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from model.diffusion.fast_unet import FastUNet
from model.diffusion.unet_forward import self_attentions, transformer_blocks
from model.engines.up2you.views.adapters import Adapter, adapter_of, fuse_views
from model.engines.up2you.views.denoiser import ViewDenoiser
from model.engines.up2you.views.plain_views import PlainViews
from model.engines.up2you.views.reference_states import ReferencePass, level_sizes, state_elements
from model.engines.up2you.views.text_keys import TextKeys
from tests.model.up2you.goldens import largest_difference
from tests.model.up2you.view_networks import (
    PUBLISHED_UNET,
    SMALL_UNET,
    random_networks,
    random_tensors,
    residual_shapes,
)

SIDE, PEOPLE, VIEWS = 8, 2, 6
ROWS = PEOPLE * VIEWS
LEVELS = [0, 0, 1, 1, 2, 2, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0]  # of each self-attention


class Inputs:
    """Of a step: two people at different timesteps, each view with as many reference tokens as `ratio` photos have."""

    def __init__(self, unet: Any, side: int, ratio: int, seed: int = 3) -> None:
        generator = Generator().manual_seed(seed)
        (self.latents,) = random_tensors(generator, (ROWS, 4, side, side))
        self.timesteps = torch.tensor([801, 41]).repeat_interleave(VIEWS)
        self.residuals = random_tensors(generator, *residual_shapes(unet, ROWS, side))
        self.references = random_tensors(generator, *reference_shapes(unet, ROWS, side, ratio))

    def keys(self, adapter: Adapter) -> list[Tensor]:
        layers: Any = adapter.layers
        pairs = (layer.references.keys(tokens) for layer, tokens in zip(layers, self.references, strict=True))
        return [tensor for pair in pairs for tensor in pair]

    def conditions(self, adapter: Adapter) -> list[Tensor]:
        return [*self.residuals, *self.keys(adapter)]


def reference_shapes(unet: Any, rows: int, side: int, ratio: int) -> list[tuple[int, ...]]:
    areas = [height * width for height, width in level_sizes((side, side), 4)]
    return [(rows, ratio * areas[level], unet.config.block_out_channels[level]) for level in LEVELS]


@pytest.fixture(scope="module")
def networks() -> tuple[Any, Adapter]:
    return random_networks()


@pytest.fixture(scope="module")
def fast(networks: tuple[Any, Adapter]) -> tuple[FastUNet, Adapter]:
    return made_fast(*networks)


def made_fast(unet: Any, adapter: Adapter) -> tuple[FastUNet, Adapter]:
    """The same networks as they serve."""
    unet, adapter = copy.deepcopy((unet, adapter))
    fuse_views(adapter)
    return FastUNet(unet, train_steps=1000), adapter


@pytest.fixture(scope="module")
def states() -> Tensor:
    return torch.randn(2, 77, SMALL_UNET["cross_attention_dim"], generator=Generator().manual_seed(2))


@pytest.fixture
def plain(networks: tuple[Any, Adapter], states: Tensor) -> PlainViews:
    return PlainViews(copy.deepcopy(networks[0]), networks[1], states)


@torch.no_grad()
@pytest.mark.parametrize("ratio", [1, 2])
def test_both_halves_are_the_plain_ones(
    networks: tuple[Any, Adapter], fast: tuple[FastUNet, Adapter], states: Tensor, plain: PlainViews, ratio: int
) -> None:
    unet, adapter = networks
    inputs = Inputs(unet, SIDE, ratio)
    expected = plain.predict(inputs.latents, inputs.timesteps, inputs.residuals, inputs.references)
    for sliced in (False, True):
        denoiser = ViewDenoiser(*fast, states, sliced=sliced)
        halves = denoiser(inputs.latents, inputs.timesteps, *inputs.conditions(adapter))
        assert largest_difference(torch.cat(halves), expected) < 1e-5
    assert largest_difference(*expected.chunk(2)) > 1e-2  # the halves are not each other's


@torch.no_grad()
def test_without_guidance_only_the_conditional_half_is_computed(
    networks: tuple[Any, Adapter], fast: tuple[FastUNet, Adapter], states: Tensor
) -> None:
    unet, adapter = networks
    inputs = Inputs(unet, SIDE, ratio=2)
    call = inputs.latents, inputs.timesteps, *inputs.conditions(adapter)
    (alone,) = ViewDenoiser(*fast, states[1:])(*call)
    _, conditional = ViewDenoiser(*fast, states)(*call)
    assert largest_difference(alone, conditional) < 1e-5


@torch.no_grad()
def test_people_in_one_forward_do_not_see_each_other(
    networks: tuple[Any, Adapter], fast: tuple[FastUNet, Adapter], states: Tensor
) -> None:
    unet, adapter = networks
    inputs = Inputs(unet, SIDE, ratio=2)
    denoiser = ViewDenoiser(*fast, states)
    call = [inputs.latents, inputs.timesteps, *inputs.conditions(adapter)]
    together = denoiser(*call)
    for person in (slice(0, VIEWS), slice(VIEWS, ROWS)):
        alone = denoiser(*(tensor[person] for tensor in call))
        for half, expected in zip(together, alone, strict=True):
            assert largest_difference(half[person], expected) < 1e-5


@torch.no_grad()
def test_pictures_need_not_be_square_nor_halve_evenly(
    networks: tuple[Any, Adapter], fast: tuple[FastUNet, Adapter], states: Tensor
) -> None:
    _, adapter = networks
    cells = (10, 6)
    sizes = level_sizes(cells, 4)
    assert sizes == [(10, 6), (5, 3), (3, 2), (2, 1)]
    residuals = [torch.zeros(VIEWS, c, *size) for c, size in zip(SMALL_UNET["block_out_channels"], sizes, strict=True)]
    references = ReferencePass(fast[0], states[1:])(torch.randn(VIEWS, 4, *cells))
    layers: Any = adapter.layers
    pairs = zip(layers, references, strict=True)
    keys = [tensor for layer, tokens in pairs for tensor in layer.references.keys(tokens)]
    latents, timesteps = torch.zeros(VIEWS, 4, *cells), torch.zeros(VIEWS, dtype=torch.int64)
    halves = ViewDenoiser(*fast, states)(latents, timesteps, *residuals, *keys)
    assert [half.shape for half in halves] == [(VIEWS, 4, *cells)] * 2


@torch.no_grad()
def test_the_reference_pass_is_the_plain_one(fast: tuple[FastUNet, Adapter], states: Tensor, plain: PlainViews) -> None:
    latents = torch.randn(3, 4, SIDE, SIDE, generator=Generator().manual_seed(5))
    expected = plain.reference_states(latents)
    for sliced in (False, True):
        found = ReferencePass(fast[0], states[1:], sliced=sliced)(latents)
        assert len(found) == len(expected) == 16
        for ours, theirs in zip(found, expected, strict=True):
            assert largest_difference(ours, theirs) < 1e-5


@torch.no_grad()
def test_the_reference_pass_ends_at_the_last_self_attention(networks: tuple[Any, Adapter], states: Tensor) -> None:
    unet, _ = made_fast(*networks)
    last = transformer_blocks(unet.stock)[-1]
    ran = watch(last.norm1, last.attn1.to_qkv, last.ff.net[2], unet.stock.conv_out)
    ReferencePass(unet, states[1:])(torch.zeros(1, 4, SIDE, SIDE))
    assert [len(rows) for rows in ran] == [1, 0, 0, 0]


@torch.no_grad()
def test_the_halves_are_one_until_the_first_reference_attention(networks: tuple[Any, Adapter], states: Tensor) -> None:
    inputs = Inputs(networks[0], SIDE, ratio=1)
    unet, adapter = made_fast(*networks)
    stock: Any = unet.stock
    first, second = transformer_blocks(stock)[:2]
    layers: Any = adapter.layers
    shared = watch(stock.conv_in, stock.down_blocks[0].resnets[0].conv2, first.attn1.to_qkv)
    doubled = watch(first.attn2.to_q, second.attn1.to_qkv)
    (rows_of_views,) = watch(layers[0].views.to_qkv)
    conditional = watch(layers[0].references.to_q, layers[1].references.to_q)
    constant = watch(layers[0].references.to_k, first.attn2.to_k)
    denoiser, conditions = ViewDenoiser(unet, adapter, states), inputs.conditions(adapter)
    for rows in constant:
        rows.clear()  # projected before the loop
    denoiser(inputs.latents, inputs.timesteps, *conditions)
    assert shared == [[ROWS], [ROWS], [ROWS]]
    assert rows_of_views == [PEOPLE * SIDE]
    assert doubled == [[2 * ROWS], [2 * ROWS]]
    assert conditional == [[ROWS], [ROWS]]
    assert constant == [[], []]


def watch(*modules: nn.Module) -> list[list[int]]:
    """For each module the rows of each of its calls, as they happen."""
    rows: list[list[int]] = [[] for _ in modules]
    for module, seen in zip(modules, rows, strict=True):
        module.register_forward_hook(lambda _, __, output, seen=seen: seen.append(len(output)))
    return rows


@torch.no_grad()
def test_text_is_projected_once_for_each_prompt(networks: tuple[Any, Adapter], states: Tensor) -> None:
    unet, _ = networks
    text = TextKeys(unet, states)
    for i, block in enumerate(transformer_blocks(unet)):
        key, value = text.layer(i)
        assert torch.equal(key, block.attn2.to_k(states))
        assert torch.equal(value, block.attn2.to_v(states))
    assert not text.state_dict()


def test_states_are_as_many_numbers_as_the_reference_pass_gives(
    networks: tuple[Any, Adapter], fast: tuple[FastUNet, Adapter], states: Tensor
) -> None:
    found = ReferencePass(fast[0], states[1:])(torch.zeros(1, 4, 10, 6))
    assert sum(tensor.numel() for tensor in found) == state_elements(networks[0], (10, 6))


@torch.no_grad()
@pytest.mark.parametrize(("ratio", "plain_tera", "saved"), [(2, 44.66, 0.228), (1, 36.53, 0.158)])
def test_a_step_at_published_size_saves_the_share_worked_out_beforehand(
    ratio: int, plain_tera: float, saved: float
) -> None:
    with torch.device("meta"):
        unet: Any = UNet2DConditionModel(**PUBLISHED_UNET)
        adapter, states, side = adapter_of(unet), torch.empty(2, 77, 1024), 768 // 8
        latents, timesteps = torch.empty(VIEWS, 4, side, side), torch.empty(VIEWS, dtype=torch.int64)
        residuals = [torch.empty(shape) for shape in residual_shapes(unet, VIEWS, side)]
        references = [torch.empty(shape) for shape in reference_shapes(unet, VIEWS, side, ratio)]
    layers: Any = adapter.layers
    pairs = zip(layers, references, strict=True)
    keys = [tensor for layer, tokens in pairs for tensor in layer.references.keys(tokens)]
    with FlopCounterMode(display=False) as counted_plain:
        PlainViews(unet, adapter, states).predict(latents, timesteps, residuals, references)
    fuse_views(adapter)
    fast = ViewDenoiser(FastUNet(unet, train_steps=1000), adapter, states)
    with FlopCounterMode(display=False) as counted:
        fast(latents, timesteps, *residuals, *keys)
    assert counted_plain.get_total_flops() / 1e12 == pytest.approx(plain_tera, abs=0.01)
    assert 1 - counted.get_total_flops() / counted_plain.get_total_flops() == pytest.approx(saved, abs=0.002)


def test_self_attentions_come_in_the_order_of_the_walk(networks: tuple[Any, Adapter]) -> None:
    names = [name.split(".")[:2] for name, _ in self_attentions(networks[0])]
    down = [["down_blocks", str(i)] for i in (0, 0, 1, 1, 2, 2)]
    up = [["up_blocks", str(i)] for i in (1, 1, 1, 2, 2, 2, 3, 3, 3)]
    assert names == [*down, ["mid_block", "attentions"], *up]
