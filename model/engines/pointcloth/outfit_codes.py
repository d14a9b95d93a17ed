"""Arithmetic of codes: a ball of eight dimensions, in which great circles lead from one outfit to another."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def in_unit_ball(codes: Tensor) -> Tensor:
    """Codes, (..., 8), those outside moved onto the sphere."""
    inside: Tensor = codes / codes.norm(dim=-1, keepdim=True).clamp(min=1)
    return inside


def slerp(first: Tensor, second: Tensor, share: float) -> Tensor:
    """From the first, (8,), at 0 to the second at 1 along the circle between their directions; straight if they have
    the same or opposite ones."""
    a, b = first / first.norm(), second / second.norm()
    angle = torch.acos((a * b).sum().clamp(-1, 1))
    if (sine := angle.sin()) == 0:
        return first + share * (second - first)
    between: Tensor = (((1 - share) * angle).sin() * first + (share * angle).sin() * second) / sine
    return between


def spherical_mean(codes: Sequence[Tensor]) -> Tensor:
    """Of codes, (8,) each: directions are met halfway one after the other, so that later ones count more; its length is
    their mean length."""
    units: list[Tensor] = [code / code.norm() for code in codes]
    mean, *others = units
    for other in others:
        mean = slerp(mean, other, 0.5)
    length: Tensor = torch.stack([code.norm() for code in codes]).mean()
    return torch.mul(mean, length)


def mixed(first: Tensor, second: Tensor, share: float) -> Tensor:
    """An outfit between two, (8,): its direction along the circle, its length along the line."""
    length = (1 - share) * first.norm() + share * second.norm()
    if first.norm() == 0 or second.norm() == 0:
        return first + share * (second - first)
    between: Tensor = slerp(first / first.norm(), second / second.norm(), share) * length
    return between
