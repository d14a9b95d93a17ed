"""Only what does the same is timed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bench.contest import Contest, DifferentError, Work, held, share_of_allowed

CPU = torch.device("cpu")


def work(offset: float, seen: list[int]) -> Work:
    def compute(i: int) -> Tensor:
        seen.append(i)
        return torch.tensor([1.0, 2.0]) + offset

    return compute


def contest(offset: float, seen: list[int]) -> Contest:
    plain = work(0, [])
    return Contest("a sum", plain, work(offset, seen), plain, flops=lambda: (2, 2))


def test_no_input_comes_twice() -> None:
    seen: list[int] = []
    outcome = held(contest(1e-5, seen), CPU, pairs=2)
    assert seen == [0, 1, 2]
    assert outcome.difference == pytest.approx(0.05, rel=0.1)  # 1e-5 of the 2e-4 that 1e-4 of 2 is


def test_what_differs_is_not_timed() -> None:
    seen: list[int] = []
    with pytest.raises(DifferentError, match=r"a sum: 1\.5 times as different"):
        held(contest(3e-4, seen), CPU, pairs=2)
    assert seen == [0]


def test_what_is_no_number_is_not_timed() -> None:
    with pytest.raises(DifferentError):
        held(contest(float("nan"), []), CPU, pairs=2)


def test_pixels_may_differ_by_two_levels() -> None:
    plain = torch.tensor([10, 200], dtype=torch.uint8)
    assert share_of_allowed(plain, plain + 2, plain) == 1
    assert share_of_allowed(plain, plain - 3, plain) == 1.5


def test_in_16_bits_ours_may_be_half_as_far_again_from_float32_as_plain_is() -> None:
    exact = torch.zeros(4)
    assert share_of_allowed(exact + 2, exact - 3, exact) == 1
    assert share_of_allowed(exact + 2, exact + 6, exact) == 2
