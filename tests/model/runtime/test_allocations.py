"""Counting on tensors without memory, against counts by hand."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.runtime.allocations import gauge, peak_bytes

KIB = torch.empty(256, device="meta")  # float32


def test_what_is_let_go_counts_no_more() -> None:
    def forward(tensor: Tensor) -> Tensor:
        first = tensor + 1  # 1
        second = torch.cat([first, first])  # 3
        del first  # 2
        return second.sum()

    assert peak_bytes(forward, KIB) == 3 * 1024


def test_views_and_changes_in_place_take_nothing() -> None:
    def forward(tensor: Tensor) -> Tensor:
        own = tensor + 1
        own[:100].mul_(2)
        return own.view(16, 16).transpose(0, 1)

    assert peak_bytes(forward, KIB) == 1024


def test_inputs_and_weights_are_not_counted() -> None:
    network = nn.Linear(256, 512, device="meta")
    assert peak_bytes(network, KIB) == 2 * 1024


def test_attention_holds_no_scores() -> None:
    def forward(tokens: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(tokens, tokens, tokens)

    tokens = torch.empty(2, 4, 1000, 40, dtype=torch.float16, device="meta")
    assert peak_bytes(forward, tokens) == 2 * 2 * 4 * 1000 * 40 + 4 * 2 * 4 * 1000


def test_half_precision_takes_half() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.SiLU()).to("meta")
    pictures = torch.empty(2, 3, 32, 32, device="meta")
    full = peak_bytes(network, pictures)
    assert peak_bytes(network.half(), pictures.half()) < full / 2 + 1024
    assert full >= 2 * 4 * 2 * 8 * 32 * 32


def test_tensors_with_memory_count_alike() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.SiLU()).requires_grad_(False)
    pictures = torch.ones(2, 3, 32, 32).to(memory_format=torch.channels_last)
    with gauge(pictures.device) as allocated:
        result = network(pictures)
    assert result.equal(network(pictures))
    without_memory = peak_bytes(network.to("meta"), pictures.to("meta"))
    if torch.__version__ < "2.7":  # there a norm without memory is made of parts, which hold more
        assert allocated.peak < without_memory
    else:
        assert allocated.peak == without_memory


def test_a_convolution_on_the_cpu_copies_what_has_not_its_channels_last() -> None:
    convolution, pictures = nn.Conv2d(16, 8, 3, padding=1).requires_grad_(False), torch.ones(2, 16, 32, 32)
    with gauge(pictures.device) as allocated:
        result = convolution(pictures)
    assert allocated.peak == result.nbytes + pictures.nbytes


def test_what_is_compiled_is_counted_as_it_was_before() -> None:
    def forward(rows: Tensor) -> Tensor:
        return rows.repeat(1, 256).sum(1)

    rows, compiled = torch.ones(4, 1), torch.compile(forward, backend="eager", fullgraph=True)
    with gauge(rows.device) as allocated:
        compiled(rows)
    assert allocated.peak == 4 * 4 * 256 + 4 * 4
