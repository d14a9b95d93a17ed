"""Requests for `/docs` that run as they stand on the demo pack."""

from __future__ import annotations

from typing import Any


def examples() -> dict[str, Any]:
    return {}
