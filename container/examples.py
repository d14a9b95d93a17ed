"""Requests for `/docs` that run as they stand on the demo pack: its pictures are drawn when first asked for."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

_SIZE = (96, 128)  # small enough to be read in a text box


def examples() -> dict[str, Any]:
    """Name -> OpenAPI example."""
    from model.synthetic.drawing import draw_garment, draw_person
    from model.synthetic.samples import GARMENTS, PEOPLE

    look, garment = next(iter(PEOPLE.values())), next(iter(GARMENTS.values()))
    person = draw_person(look, _SIZE)
    tryon = {
        "type": "tryon",
        "person": data_uri(person.photo),
        "garment": data_uri(draw_garment(garment, _SIZE)),
        "mask": data_uri(person.upper_mask),
        "width": 96,
        "height": 128,
        "steps": 4,
        "seed": 42,
    }
    return {
        "tryon": {"summary": "Dress a person", "value": tryon},
        "tryon_two": {
            "summary": "Two samples, as the model painted them",
            "value": tryon | {"samples": 2, "repaint": False},
        },
    }


def data_uri(picture: Image.Image) -> str:
    """`picture` as a PNG in a `data:` URI."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
