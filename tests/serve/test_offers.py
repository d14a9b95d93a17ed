"""What `/api/models` makes of an engine's request, for every engine there is."""

from __future__ import annotations

import pytest

from model.engines.registry import ENGINES, request_class
from serve.offers import offer
from tests.serve.test_choosing import loaded


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_has_an_offer_a_form_can_be_built_of(engine: str) -> None:
    made = offer(engine, loaded(ENGINES[engine].type))
    assert made.formats
    assert {"seed", "deadline_s"} <= made.limits.keys()
    assert made.categories or made.type != "tryon"
    assert {*made.sizes, *made.limits} <= request_class(engine).model_fields.keys()
    assert all(limits.minimum is not None and limits.maximum is not None for limits in made.sizes.values())


def test_the_weights_defaults_stand_before_the_requests_own() -> None:
    made = offer("catvton", loaded("tryon", width=384))
    assert (made.sizes["width"].default, made.sizes["height"].default) == (384, 1024)
    assert (made.limits["seed"].minimum, made.limits["seed"].maximum) == (0, 2**32 - 1)
