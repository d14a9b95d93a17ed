"""How many numbers a safetensors file holds, by its header alone. Never imports torch."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

_LENGTH = 8  # bytes that say how long the header is, least significant first
_METADATA = "__metadata__"


def parameters_in(file: Path) -> Counter[str]:
    """First word of tensors' names, as in `flow_network.level.weight` -> numbers in all of them."""
    with file.open("rb") as opened:
        header = json.loads(opened.read(int.from_bytes(opened.read(_LENGTH), "little")))
    counts: Counter[str] = Counter()
    for name, tensor in header.items():
        if name != _METADATA:
            counts[name.split(".")[0]] += math.prod(tensor["shape"])
    return counts
