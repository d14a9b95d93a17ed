"""Attention slice by slice, where all scores at once would take too much memory."""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

_SCORES_AT_ONCE = 2**26  # 128 MiB in half precision


def attend_in_slices(query: Tensor, key: Tensor, value: Tensor, scores_at_once: int = _SCORES_AT_ONCE) -> Tensor:
    """The same in slices of batch, heads and queries, for cards on which torch has to hold the score matrix.

    Args:
        query: (B, heads, N, d).
        key, value: (B, heads, M, d).

    Returns:
        (B, heads, N, d).
    """
    batch, heads, queries, _ = query.shape
    of_a_query = key.shape[2]
    of_a_head = queries * of_a_query
    attended = torch.empty_like(query)
    for rows, some, tokens in product(
        _slices(batch, scores_at_once // (heads * of_a_head)),
        _slices(heads, scores_at_once // of_a_head),
        _slices(queries, scores_at_once // of_a_query),
    ):
        part = query[rows, some, tokens], key[rows, some], value[rows, some]
        attended[rows, some, tokens] = F.scaled_dot_product_attention(*part)
    return attended


def _slices(length: int, at_once: int) -> list[slice]:
    at_once = max(1, at_once)
    return [slice(i, i + at_once) for i in range(0, length, at_once)]
