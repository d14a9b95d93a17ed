"""The engines of this container, one line each. Adding one costs its folder and its line here."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from model.engine import Engine
from model.request import Request

ENGINES = {
    "tryon": "model.engines.catvton.engine:TryOn",
    "avatar": "model.engines.up2you.engine:Avatar",
}


def engine_class(name: str) -> type[Engine]:
    """The pipeline's class. Imports torch."""
    module, attribute = ENGINES[name].split(":")
    return cast("type[Engine]", getattr(import_module(module), attribute))


def request_class(name: str) -> type[Request]:
    """The pipeline's request, from the `request.py` beside it. Does not import torch."""
    package = ENGINES[name].split(":")[0].rsplit(".", 1)[0]
    return cast("type[Request]", import_module(f"{package}.request").Request)
