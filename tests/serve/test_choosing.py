"""Who does what a client wants: a sentence of the design, a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from model.engines.registry import ENGINES, Entry
from serve.choosing import chosen_request
from serve.errors import Invalid
from serve.workers import LoadedEngine

TRYON: dict[str, Any] = {"person": "p", "garment": "g"}
OUTFIT = [{"garment": "a", "category": "upper"}, {"garment": "b", "category": "lower"}]


def loaded(type: str, *, default: bool = True, **defaults: int | float) -> LoadedEngine:
    return LoadedEngine(
        type=type,
        default=default,
        fingerprint="0",
        licence="MIT",
        weights_bytes=0,
        demo=False,
        untrained=False,
        defaults=defaults,
        variants=[],
        mask_makers=[],
    )


MODELS = {
    "catvton": loaded("tryon", steps=20),
    "mirror": loaded("tryon", default=False, times=3),
    "up2you": loaded("avatar"),
}
MIRROR_FIRST = MODELS | {"catvton": loaded("tryon", default=False), "mirror": loaded("tryon")}


@pytest.fixture(autouse=True)
def mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "mirror", Entry("tryon", "tests.mirror.engine:Mirror"))


def engine_for(body: Mapping[str, Any], models: Mapping[str, LoadedEngine] = MODELS) -> str:
    return chosen_request(body, models, {}).engine


def refused(body: Mapping[str, Any], models: Mapping[str, LoadedEngine] = MODELS) -> Invalid:
    with pytest.raises(Invalid) as caught:
        chosen_request(body, models, {})
    return caught.value


def test_the_engine_a_request_names_does_it() -> None:
    assert engine_for(TRYON | {"engine": "mirror"}) == "mirror"
    assert engine_for(TRYON | {"engine": "catvton", "type": "tryon"}, MIRROR_FIRST) == "catvton"


def test_an_engine_tells_the_type() -> None:
    request = chosen_request({"engine": "up2you", "photos": ["p"]}, MODELS, {})
    assert (request.type, request.engine) == ("avatar", "up2you")


def test_without_one_the_default_of_the_type_answers() -> None:
    assert engine_for(TRYON) == "catvton"
    assert engine_for(TRYON, MIRROR_FIRST) == "mirror"
    assert engine_for({"type": "avatar", "photos": ["p"]}) == "up2you"


def test_clients_of_another_container_get_the_engine_that_it_was() -> None:
    body = {"person_image_url": "p", "upper_cloth_url": "a", "lower_cloth_url": "b"}
    assert engine_for(body, MIRROR_FIRST) == "catvton"
    assert engine_for(body | {"engine": "mirror"}, MIRROR_FIRST) == "mirror"


@pytest.mark.parametrize(
    ("fields", "engine"),
    [
        ({"times": 2}, "mirror"),
        ({"axis": "down"}, "mirror"),
        ({"steps": 2}, "catvton"),
        ({"category": "overall"}, "catvton"),
        ({"category": "lower"}, None),
        ({"seed": 3, "samples": 2}, None),
    ],
)
def test_a_field_or_value_that_only_some_accept_chooses_among_those(fields: dict[str, Any], engine: str | None) -> None:
    assert engine_for(TRYON | fields, MODELS) == (engine or "catvton")
    assert engine_for(TRYON | fields, MIRROR_FIRST) == (engine or "mirror")


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"times": 2, "steps": 2}, ("times", "steps")), ({"category": "overall", "axis": "down"}, ("category", "axis"))],
)
def test_two_that_exclude_each_other_are_one_problem_that_names_both(
    fields: dict[str, Any], named: tuple[str, str]
) -> None:
    problem = refused(TRYON | fields)
    assert (problem.status, problem.code) == (422, "invalid_field")
    assert problem.field in named
    assert all(f"'{field}'" in problem.detail for field in named)
    assert all(engine in problem.detail for engine in ("catvton", "mirror"))


def test_what_no_engine_accepts_is_said_as_if_there_were_one() -> None:
    problem = refused(TRYON | {"samples": 9, "times": 2})
    assert problem.field == "samples"
    assert problem.detail.startswith("'samples': ")
    assert refused({"type": "tryon", "garment": "g"}).field == "person"
    assert "either 'garment' or 'garments'" in refused({"person": "p"}).detail


def test_a_named_engine_is_told_what_it_does_not_take() -> None:
    assert refused(TRYON | {"engine": "mirror", "steps": 2}).field == "steps"


@pytest.mark.parametrize("named", ["hat", "", 7, ["catvton"]])
def test_an_engine_that_is_not_loaded_is_refused_with_those_that_are(named: Any) -> None:
    problem = refused(TRYON | {"engine": named})
    assert problem.field == "engine"
    assert "catvton, mirror, up2you" in problem.detail


def test_an_engine_of_another_type_is_refused() -> None:
    problem = refused(TRYON | {"type": "tryon", "engine": "up2you"})
    assert problem.field == "engine"
    assert "catvton, mirror" in problem.detail


def test_each_engine_has_the_defaults_of_its_own_weights() -> None:
    assert chosen_request(TRYON, MODELS, {}).model_dump()["steps"] == 20
    assert chosen_request(TRYON | {"axis": "down"}, MODELS, {}).model_dump()["times"] == 3


PHOTOS: dict[str, Any] = {"type": "avatar", "photos": ["p"]}


def test_avatars_are_dressed_by_whoever_answers_try_ons() -> None:
    request = chosen_request(PHOTOS | {"garment": "g", "seed": 3}, MIRROR_FIRST, {})
    [(place, engine, part)] = request.parts_of_others()
    assert (place, engine, part["category"], part["seed"]) == ("dressed_by", "mirror", "upper", 3)
    assert request.engines() == ["up2you", "mirror"]
    assert set(request.inputs()) == {"photos.0", "garment"}
    assert request.emptied().inputs()["garment"] == "fetched"


def test_avatars_put_on_layers_of_an_engine_each() -> None:
    layers = [OUTFIT[0] | {"engine": "mirror"}, OUTFIT[1]]
    request = chosen_request(PHOTOS | {"layers": layers}, MODELS, {})
    assert [(place, engine) for place, engine, _ in request.parts_of_others()] == [
        ("dressed_by", "catvton"),
        ("layers.0", "mirror"),
    ]
    assert set(request.inputs()) == {"photos.0", "layers.0.garment", "layers.1.garment"}


def test_avatars_in_their_own_clothes_ask_nobody() -> None:
    assert chosen_request(PHOTOS, MODELS, {}).engines() == ["up2you"]


@pytest.mark.parametrize(
    ("clothes", "field"),
    [
        ({"garment": "g", "dressed_by": "up2you"}, "dressed_by"),
        ({"garment": "g", "dressed_by": "hat"}, "dressed_by"),
        ({"garment": "g", "dressed_by": "mirror", "category": "overall"}, "dressed_by.category"),
        ({"layers": [OUTFIT[0] | {"engine": "hat"}, OUTFIT[1]]}, "layers.0.engine"),
    ],
)
def test_clothes_that_nobody_can_put_on_an_avatar_are_refused(clothes: dict[str, Any], field: str) -> None:
    assert refused(PHOTOS | clothes).field == field


def test_clothes_for_an_avatar_need_a_try_on_engine() -> None:
    assert "no try-on engine" in refused(PHOTOS | {"garment": "g"}, {"up2you": MODELS["up2you"]}).detail
    both = PHOTOS | {"garment": "g", "layers": OUTFIT}
    assert "either 'garment' or 'layers'" in refused(both).detail


def test_layers_name_an_engine_each() -> None:
    layers = [OUTFIT[0] | {"engine": "mirror"}, OUTFIT[1]]
    request = chosen_request({"person": "p", "layers": layers, "seed": 5}, MODELS, {})
    assert request.engine == "catvton"
    [(place, engine, part)] = request.parts_of_others()
    assert (place, engine, part["category"], part["seed"]) == ("layers.0", "mirror", "upper", 5)
    both = chosen_request({"person": "p", "layers": OUTFIT}, MODELS, {})
    assert request.work() == both.work() / 2  # of its own


@pytest.mark.parametrize(
    ("layer", "field"),
    [
        ({"engine": "up2you"}, "layers.0.engine"),
        ({"engine": "hat"}, "layers.0.engine"),
        ({"engine": "mirror", "category": "overall"}, "layers.0.category"),
    ],
)
def test_a_layer_for_an_engine_that_cannot_do_it_is_refused(layer: dict[str, Any], field: str) -> None:
    assert refused({"person": "p", "layers": [OUTFIT[0] | layer, OUTFIT[1]]}).field == field


def test_a_field_of_another_engine_says_whose_it_is() -> None:
    detail = refused({"person": "p", "garment": "g", "engine": "catvton", "return_flow": True}).detail
    assert detail == "'return_flow': there is no such field for 'catvton', but for warp (got true)"


@pytest.mark.parametrize(
    ("crop", "said"),
    [
        ("center", "'crop': Input should be 'auto' or 'centre' (got 'center'); 'crop': this must be an object"),
        ({"persn": 0.2}, "'crop.persn': there is no such field; did you mean 'person'?"),
    ],
)
def test_a_field_of_several_kinds_is_named_as_the_client_does(crop: Any, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        chosen_request({"type": "tryon", "person": "a", "garment": "b", "crop": crop}, MODELS, {})
    assert said in caught.value.detail
    assert caught.value.field == "crop"
