"""The body of all synthetic people, and what their clothes are cut from."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from model.body.smplx import BodyModel, read_body
from model.clothes.wardrobe import FILE, Wardrobe, read_wardrobe
from model.engines.up2you.files import BODY
from model.weights.pack import DEMO


@cache
def body_model() -> BodyModel:
    """The demo pack's body. Shared: not to be written to."""
    return read_body(DEMO / BODY)


@cache
def wardrobe(file: Path = FILE) -> Wardrobe:
    """Of that body. Shared: not to be written to.

    Raises:
        WeightsError: the file cannot be read or lacks an array.
    """
    return read_wardrobe(body_model(), file)
