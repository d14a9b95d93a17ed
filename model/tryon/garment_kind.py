"""`category: "auto"`: what kind of garment a picture shows, worn by somebody or lying flat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image

from model.engine import Job
from model.errors import InputError
from model.perception.label_tables import Labels
from model.tryon.codes import TryOnCode
from model.tryon.painter import Painter
from model.tryon.reading import TryOnInputs
from model.tryon.request import Category, TryOnRequest

_CLASSES: Mapping[Category, tuple[int, ...]] = {"upper": (4,), "lower": (5, 6), "overall": (7,)}  # of ATR
_LEAST_AREA = 0.01  # of the picture


def kind_of(atr: Labels) -> Category | None:
    """The category of most of the clothes in ATR's labels, (H, W); None where hardly any are."""
    areas = {category: int(np.isin(atr, classes).sum()) for category, classes in _CLASSES.items()}
    largest = max(areas, key=lambda category: areas[category])
    return largest if areas[largest] >= _LEAST_AREA * atr.size else None


async def with_categories(engine: Painter, request: TryOnRequest, inputs: TryOnInputs, job: Job) -> TryOnRequest:
    """The request with every `auto` replaced by what its garment's picture shows; the job's settings say by what.

    Raises:
        InputError: `category_unanswered`: there is no parser, or it sees no clothes.
    """
    if request.layers is not None:
        found = [
            await _found(engine, garment, f"layers.{i}.category") if layer.category == "auto" else layer.category
            for i, (layer, garment) in enumerate(zip(request.layers, inputs.garments, strict=True))
        ]
        layers = [
            layer.model_copy(update={"category": name}) for layer, name in zip(request.layers, found, strict=True)
        ]
        if layers != request.layers:
            job.settings["categories"] = ", ".join(found)
        return request.model_copy(update={"layers": layers})
    if request.category != "auto":
        return request
    category = "overall" if request.garments else await _found(engine, inputs.garments[0], "category")
    job.settings["category"] = category
    return request.model_copy(update={"category": category})


async def _found(engine: Painter, garment: Image.Image, field: str) -> Category:
    labels = await engine.masker.clothes(garment)
    if labels is None:
        message = "no parser is there to see what the garment is: name its category"
    elif (category := kind_of(labels)) is None:
        message = "no clothes were found in the garment's picture: name its category"
    else:
        return category
    raise InputError(message, code=TryOnCode.CATEGORY_UNANSWERED, field=field)
