"""Which kernel attends, and that it attends."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor
from torch.profiler import profile

from model.diffusion.attention import attend_plainly
from model.diffusion.attention_backends import attend, attend_by, describe, first_that_takes, order, takes
from model.diffusion.attention_slices import attend_in_slices


def heads(*shape: int) -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = torch.randn(3, *shape, generator=Generator().manual_seed(0))
    return query, key, value


@pytest.mark.parametrize("width", [40, 64, 80, 160])
def test_attention_agrees_with_the_one_written_out(width: int) -> None:
    whole = heads(2, 3, 50, width)
    assert torch.allclose(attend(*whole), attend_plainly(*whole), atol=1e-5)


def test_a_fused_projection_needs_no_copies() -> None:
    fused = torch.randn(2, 50, 3, 4, 40, generator=Generator().manual_seed(0))  # (B, N, 3, heads, d)
    query, key, value = fused.permute(2, 0, 3, 1, 4)
    with profile() as recorded:
        found = attend(query, key, value)
    assert torch.allclose(found, attend_plainly(query, key, value), atol=1e-5)
    ran = {event.name for event in recorded.events() or []}
    assert any("flash" in name for name in ran)
    assert not ran & {"aten::softmax", "aten::_softmax", "aten::bmm", "aten::contiguous", "aten::clone"}


@pytest.mark.parametrize(
    ("capability", "first"), [((7, 0), "efficient"), ((7, 5), "efficient"), ((8, 6), "flash"), ((9, 0), "cudnn")]
)
def test_each_generation_has_its_order(capability: tuple[int, int], first: str) -> None:
    kernels = order(capability)
    assert kernels[0] == first
    assert "efficient" in kernels  # it alone takes float32


def test_kernels_of_gpus_take_nothing_on_the_host() -> None:
    whole = heads(1, 1, 8, 8)
    assert not any(takes(kernel, *whole) for kernel in ("cudnn", "flash", "efficient"))
    assert first_that_takes(order((8, 0)), *whole) is attend_in_slices
    assert describe(torch.device("cpu")) == "flash"


def test_a_kernel_called_by_name_is_that_kernel() -> None:
    whole = heads(1, 2, 30, 40)
    assert torch.allclose(attend_by("flash")(*whole), attend_plainly(*whole), atol=1e-5)
    with pytest.raises(RuntimeError, match=r"No (available kernel|viable backend)"):
        attend_by("cudnn")(*whole)
