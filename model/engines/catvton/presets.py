"""What `quality` stands for. Imported by the front process, so: never torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Quality = Literal["best", "balanced", "fast"]
Solver = Literal["ddim", "dpmpp"]

PUBLISHED_STEPS = 50  # the published code's default

# The fields for which a quality has another default; `best` is sampling as published. `bench/quality.py` measures them.
PRESETS: Mapping[Quality, Mapping[str, Any]] = {
    "best": {},
    "balanced": {"solver": "dpmpp", "steps": 20, "eta": 0.0},
    "fast": {"solver": "dpmpp", "steps": 10, "eta": 0.0},
}


def preset(quality: object, most_steps: int) -> dict[str, object]:
    """The fields that `quality` sets.

    Args:
        quality: as the client sent it; nothing is set by what is no quality.
        most_steps: without a preset. A preset takes no more.
    """
    fields = next((dict(fields) for name, fields in PRESETS.items() if name == quality), {})
    if "steps" in fields:
        fields["steps"] = min(fields["steps"], most_steps)
    return fields
