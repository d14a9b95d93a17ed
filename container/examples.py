"""Requests for `/docs` that run as they stand on the demo pack, with pictures small enough to be read in a text box."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from model.samples.samples import small_sample


def examples() -> dict[str, dict[str, Any]]:
    """Name -> OpenAPI example."""
    pictures = {field: data_uri(file) for field, file in small_sample().items()}
    tryon = {"type": "tryon", **pictures, "width": 96, "height": 128, "steps": 4, "seed": 42}
    return {
        "tryon": {"summary": "Dress a person", "value": tryon},
        "tryon_two": {
            "summary": "Two samples, as the model painted them",
            "value": tryon | {"samples": 2, "repaint": False},
        },
    }


def data_uri(file: Path) -> str:
    """A PNG file as a `data:` URI."""
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
