"""What the engine takes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from model.engines.ootdiffusion.request import Request, default_variant

PICTURES = {"person": "p", "garment": "g"}


def request(**fields: Any) -> Request:
    return Request.model_validate(PICTURES | fields)


def test_defaults_are_the_published_scripts() -> None:
    plain = request()
    assert (plain.width, plain.height, plain.steps, plain.guidance, plain.repaint) == (768, 1024, 20, 2.0, True)


def test_a_dress_is_overall() -> None:
    assert request(category="dress").category == "overall"


def test_the_variant_follows_the_garment() -> None:
    assert [default_variant(category, ["hd", "dc"]) for category in ("upper", "lower", "overall")] == ["hd", "dc", "dc"]
    assert default_variant("upper", ["dc"]) == "dc"


def test_what_cannot_be_is_refused() -> None:
    layers = [{"garment": "g", "category": category} for category in ("upper", "lower")]
    for fields, said in (
        ({"variant": "hd", "category": "lower"}, "'hd' is for upper garments"),
        ({"variant": "hd", "layers": layers, "garment": None}, "'hd' is for upper garments"),
        ({"reference": True, "repaint": True}, "not with 'repaint' true"),
        ({"reference": True, "layers": layers, "garment": None}, "'reference' is for one 'garment'"),
    ):
        with pytest.raises(ValidationError, match=said):
            request(**fields)
    assert not request(reference=True).repaint


def test_work_grows_with_what_is_asked_for() -> None:
    plain = request().work()
    assert request(guidance=1).work() < plain < request(steps=21).work()
    assert request(samples=2).work() < 2 * plain  # the garment is seen once
    assert Request.model_validate({"person": "p", "mask_only": True}).work() == 0
