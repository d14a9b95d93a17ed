"""The attentions of a view against the published ones, and each of their savings against its plain form."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention
from torch import Generator, Tensor

from model.diffusion.attention_backends import attend
from model.diffusion.attention_slices import attend_in_slices
from model.diffusion.fused_attention import fuse, self_attention
from model.diffusion.unet_forward import self_attentions
from model.engines.up2you.views import weights as view_weights
from model.engines.up2you.views.adapters import AttentionAdapter, ViewStage
from model.engines.up2you.views.attention import (
    Branch,
    multi_head,
    multi_view_attention,
    rows_of_views,
    text_attention,
    views_of_rows,
)
from model.engines.up2you.views.plain_views import PlainViewAttention
from tests.model.up2you.goldens import golden, golden_json, largest_difference
from tests.model.up2you.view_networks import reference_weights

CPU = torch.device("cpu")
SIDE, HEADS, CHANNELS = 4, 2, 8
QKV = ("to_q", "to_k", "to_v"), "to_qkv"

RECORDED: list[tuple[ViewStage, str]] = [
    ("rgb", "down_blocks.1.attentions.0.transformer_blocks.0.attn1"),
    ("rgb", "up_blocks.3.attentions.1.transformer_blocks.0.attn1"),
    ("normals", "down_blocks.0.attentions.0.transformer_blocks.0.attn1"),
]


@pytest.fixture
def generator() -> Generator:
    return Generator().manual_seed(0)


@pytest.fixture
def layer() -> AttentionAdapter:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AttentionAdapter(CHANNELS).requires_grad_(False)


@pytest.fixture
def attention() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Attention(CHANNELS, heads=HEADS, dim_head=CHANNELS // HEADS).requires_grad_(False)


@pytest.mark.parametrize(("stage", "name"), RECORDED)
def test_an_attention_with_both_branches_is_the_published_one(tmp_path: Path, stage: ViewStage, name: str) -> None:
    recorded, parameters = golden(f"attn_processor_{stage}"), golden_json(f"attn_processor_{stage}")
    weights = reference_weights(tmp_path)
    unet = view_weights.unet(weights).load(CPU, torch.float32)
    layers: Any = view_weights.adapter(weights, stage, unet).load(CPU, torch.float32).layers
    names, attentions = zip(*self_attentions(unet), strict=True)
    position = names.index(name)
    tokens, references = recorded[f"{name}.x"], recorded[f"{name}.ref"]
    attention, layer, views = attentions[position], layers[position], parameters["num_views"]
    assert attention.heads == parameters["heads"][name]

    plain, stock = PlainViewAttention(copy.deepcopy(layer), views), copy.deepcopy(attention)
    fuse(attention, *QKV)
    fuse(layer.views, *QKV)
    itself = self_attention(attention, tokens, attend)
    across = multi_view_attention(layer.views, tokens, views, SIDE, attention.heads, attend)
    branch = layer.references
    looked_up = branch.to_out(multi_head(branch.to_q(tokens), branch.keys(references), attention.heads, attend))
    looked_up[:views] = branch.to_out.bias  # the unconditional half, whose references are zeros
    assert not references[:views].any()

    assert largest_difference(itself, recorded[f"{name}.y_plain"]) < 1e-5
    assert largest_difference(itself + across + looked_up, recorded[f"{name}.y"]) < 1e-5
    scaled = itself + 0.7 * across + 0.4 * looked_up
    assert largest_difference(scaled, recorded[f"{name}.y_mv0.7_ref0.4"]) < 1e-5

    plain.references = references
    assert largest_difference(plain(stock, tokens), recorded[f"{name}.y"]) < 1e-5
    plain.references = None
    assert largest_difference(plain(stock, tokens), recorded[f"{name}.y_plain"]) < 1e-5


def test_references_of_zeros_come_to_the_bias_alone(generator: Generator, layer: AttentionAdapter) -> None:
    query = torch.randn(3, 16, CHANNELS, generator=generator)
    branch = layer.references
    keys = branch.keys(torch.zeros(3, 9, CHANNELS))
    attended = branch.to_out(multi_head(query, keys, HEADS, attend))
    assert torch.equal(attended, branch.to_out.bias.expand_as(attended))


def test_tokens_of_one_row_of_all_views_lie_together(generator: Generator) -> None:
    pictures = torch.randn(2, 6, 3, 5, CHANNELS, generator=generator)  # people, views, rows, columns
    tokens = pictures.flatten(2, 3).flatten(0, 1)
    rows = rows_of_views(tokens, views=6, height=3)
    assert rows.shape == (2 * 3, 6 * 5, CHANNELS)
    assert torch.equal(rows[3 + 2].view(6, 5, CHANNELS), pictures[1, :, 2])
    assert torch.equal(views_of_rows(rows, views=6, height=3), tokens)


def test_row_attention_without_repeating_is_the_one_that_repeats(
    generator: Generator, layer: AttentionAdapter, attention: Any
) -> None:
    tokens = torch.randn(2 * 6, SIDE * SIDE, CHANNELS, generator=generator)
    plain = PlainViewAttention(layer).across_views(attention, tokens)
    assert layer.views.keys(rows_of_views(tokens, 6, SIDE))[0].numel() == tokens.numel()
    fuse(layer.views, *QKV)
    fast = multi_view_attention(layer.views, tokens, 6, SIDE, HEADS, attend)
    assert largest_difference(fast, plain) < 1e-6


def test_a_view_sees_a_row_of_the_others_and_nothing_else(generator: Generator, layer: AttentionAdapter) -> None:
    tokens = torch.randn(6, 3, 5, CHANNELS, generator=generator)  # not square
    changed = tokens.clone()
    changed[4, 1, 2] += 1
    fuse(layer.views, *QKV)
    before, after = (
        multi_view_attention(layer.views, given.flatten(1, 2), 6, 3, HEADS, attend) for given in (tokens, changed)
    )
    differs = (before - after).abs().amax(-1).view(6, 3, 5) > 0
    assert differs[:, 1].all()
    assert not differs[:, [0, 2]].any()


@pytest.mark.parametrize("scores_at_once", [1, 7 * 30, 20 * 30, 2 * 20 * 30, 4 * 20 * 30, 10**9])
def test_slices_agree_with_the_whole(generator: Generator, scores_at_once: int) -> None:
    query, key, value = (torch.randn(5, 3, tokens, 8, generator=generator) for tokens in (20, 30, 30))
    whole, sliced = attend(query, key, value), attend_in_slices(query, key, value, scores_at_once)
    assert largest_difference(sliced, whole) < 1e-6


@pytest.mark.parametrize("allowed", [7 * 30, 2 * 20 * 30, 4 * 20 * 30])
def test_no_slice_has_more_scores_than_allowed(
    generator: Generator, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    seen: list[int] = []
    whole = F.scaled_dot_product_attention

    def watch(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        seen.append(query.shape[0] * query.shape[1] * query.shape[2] * key.shape[2])
        return whole(query, key, value)

    monkeypatch.setattr(F, "scaled_dot_product_attention", watch)
    query, key, value = (torch.randn(5, 3, tokens, 8, generator=generator) for tokens in (20, 30, 30))
    attend_in_slices(query, key, value, allowed)
    assert allowed / 2 < max(seen) <= allowed
    assert sum(seen) == 5 * 3 * 20 * 30


def test_rows_of_a_prompt_share_its_keys(generator: Generator, attention: Any) -> None:
    tokens = torch.randn(2 * 6, 16, CHANNELS, generator=generator)
    text = torch.randn(2, 77, CHANNELS, generator=generator)
    keys = attention.to_k(text), attention.to_v(text)
    expected = attention(tokens, text.repeat_interleave(6, dim=0))
    assert largest_difference(text_attention(attention, tokens, keys, attend), expected) < 1e-6


def test_a_branch_has_no_bias_but_the_last() -> None:
    assert [name for name, _ in Branch(CHANNELS).named_parameters() if "bias" in name] == ["to_out.bias"]
