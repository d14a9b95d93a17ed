"""What kind of garment a parser's labels are of."""

from __future__ import annotations

import numpy as np
import pytest

from model.tryon.garment_kind import kind_of
from model.tryon.request import Category


@pytest.mark.parametrize(
    ("rows", "category"),
    [
        ({4: 30}, "upper"),
        ({5: 30}, "lower"),
        ({6: 30}, "lower"),
        ({7: 30}, "overall"),
        ({4: 30, 6: 12, 11: 40}, "upper"),  # worn, above trousers, by somebody with a large face
        ({5: 14, 6: 14, 4: 20}, "lower"),
        ({8: 20, 11: 30}, None),
        ({4: 0}, None),
    ],
)
def test_most_of_the_clothes_decide(rows: dict[int, int], category: Category | None) -> None:
    atr = np.zeros((120, 80), np.uint8)
    start = 0
    for name, count in rows.items():
        atr[start : start + count] = name
        start += count
    assert kind_of(atr) == category
