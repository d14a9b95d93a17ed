"""Where anything goes the type checker says nothing: such places are few, and stay few."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.server import ROOT

ROOMS = ("model", "serve", "container", "sagemaker", "client", "clients", "docs", "local_invoke.py")
MOST = 79


def sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py")) or [ROOT / room]


def uses_of_any(source: str) -> list[int]:
    """The lines that use the name, as often as they do; importing it is no use."""
    nodes = ast.walk(ast.parse(source))
    return [node.lineno for node in nodes if isinstance(node, ast.Name) and node.id == "Any"]


def test_any_is_rare() -> None:
    uses = {path.relative_to(ROOT): uses_of_any(path.read_text()) for path in sources()}
    found = [f"{path}:{line}" for path, lines in uses.items() for line in lines]
    assert len(found) <= MOST, found


def test_each_use_counts_and_no_import() -> None:
    assert uses_of_any("from typing import Any\n\ndef f(x: Any) -> dict[str, Any]: ...\n") == [3, 3]
