"""What the engines need of a GPU's memory: `needs.json`, which `python -m bench.sizing.needs` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

NEEDS_FILE = Path(__file__).parents[1] / "needs.json"


@dataclass(frozen=True)
class Need:
    """What an engine needs at the moment that needs most: a row of `needs.json`; bytes.

    weights: what of them is on the device then. jobs: what live jobs hold between forwards. forward: what the forward
    of the network `of` holds beside its inputs.
    """

    engine: str
    dtype: str
    profile: str
    rows: int
    weights: int
    jobs: int
    forward: int
    of: str

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.weights + self.jobs + self.forward


def read_needs() -> list[Need]:
    """What was computed last."""
    return [Need(**need) for need in json.loads(NEEDS_FILE.read_bytes())["needs"]]
