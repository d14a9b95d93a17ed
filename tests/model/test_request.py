"""What all engines' requests share."""

from __future__ import annotations

from typing import Any

import pytest

from model.engines.registry import request_class

BODIES: list[tuple[str, dict[str, Any]]] = [
    ("catvton", {"person": "secret", "garments": {"upper": "secret", "lower": "secret"}, "mask": "secret"}),
    ("warp", {"person": "secret", "layers": [{"garment": "secret", "category": "upper"}] * 2}),
    ("up2you", {"photos": ["secret", "secret"]}),
    ("pointcloth", {"photos": ["secret"] * 2, "masks": ["secret"] * 2, "bodies": ["secret"] * 2, "task": "fit"}),
    ("pointcloth", {"outfit": "secret", "task": "mix", "other": "secret"}),
    ("template", {"photos_prefix": "s3://secret/photos/"}),
]


@pytest.mark.parametrize(("engine", "body"), BODIES)
def test_emptied_it_has_the_same_inputs_and_none_of_their_references(engine: str, body: dict[str, Any]) -> None:
    request = request_class(engine).model_validate(body)
    emptied = request.emptied()
    assert list(emptied.inputs()) == list(request.inputs())
    assert "secret" not in emptied.model_dump_json()
    assert all("secret" in reference for reference in request.inputs().values())
    assert emptied.work() == request.work()
    assert type(request).model_validate(emptied.model_dump(mode="json")) == emptied


@pytest.mark.parametrize(("engine", "body"), BODIES)
def test_a_forms_text_stands_for_any_number(engine: str, body: dict[str, Any]) -> None:
    kind = request_class(engine)
    fields = kind.model_validate(body).model_dump(mode="json").items()
    numbers = {name: value for name, value in fields if isinstance(value, int | float)}
    assert len(numbers) > 4
    text = {name: str(value) for name, value in numbers.items()}
    assert kind.model_validate(body | text) == kind.model_validate(body | numbers)


def test_a_form_with_one_part_of_a_name_has_a_list() -> None:
    body = {"person": "a", "garment": "b"}
    assert request_class("catvton").model_validate(body | {"keep": "face"}).model_dump()["keep"] == ["face"]
    with pytest.raises(ValueError, match="texture_size"):
        request_class("up2you").model_validate({"photos": ["a"], "texture_size": "1000"})
