"""Several engines of a type behind one door: a throwaway one beside the real ones, over HTTP."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from model.engines.catvton.request import Request as CatVTONRequest
from model.train.parsing.people import make_people
from serve.errors import from_engine
from tests.conftest import base64_of, encode
from tests.mirror.request import Request as MirrorRequest
from tests.serve.test_invocations import assert_problem
from tests.server import Server, serving

QUICK = {"width": 96, "height": 128, "steps": 2, "seed": 1}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The built-in weights, the untrained ones too as they are named, and an engine that mirrors the photo."""
    folder = tmp_path_factory.mktemp("engines")
    settings = {"MODEL_DIR": "demo", "ENGINE_SHARES": "tryon=2", "MAX_INLINE_BYTES": 0}
    with serving(folder, 180, module="tests.mirror", ENGINES="catvton,mirror,up2you", **settings) as server:
        yield server


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(make_people(1, seed=2026, width=192, height=256).photos[0])


@pytest.fixture(scope="module")
def person(photo: Image.Image) -> str:
    return base64_of(encode(photo))


@pytest.fixture(scope="module")
def garment() -> str:
    return base64_of(encode(Image.new("RGB", (60, 80), (200, 30, 40))))


def answered(server: Server, body: dict[str, Any]) -> dict[str, Any]:
    response = server.invoke(body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def pictures(answer: dict[str, Any]) -> dict[str, Image.Image]:
    return {
        output["name"]: Image.open(io.BytesIO(base64.b64decode(output["data"]))).convert("RGB")
        for output in answer["outputs"]
    }


def equal(a: Image.Image, b: Image.Image) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b))


def codes(answer: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in answer["warnings"]]


def test_an_engine_costs_its_folder_and_a_line(engines: Server, photo: Image.Image, person: str, garment: str) -> None:
    answer = answered(engines, {"person": person, "garment": garment, "engine": "mirror"})
    assert (answer["type"], answer["engine"], answer["model"]["engine"]) == ("tryon", "mirror", "mirror")
    assert equal(pictures(answer)["result.png"], ImageOps.mirror(photo))


def test_it_gets_samples_masks_streams_jobs_and_metrics_from_the_house(
    engines: Server, photo: Image.Image, person: str, garment: str
) -> None:
    body = {"person": person, "garment": garment, "axis": "down", "samples": 2, "times": 3}  # no engine: `axis` tells
    taken = engines.client.post("/api/jobs", json=body | {"id": "flipped"})
    assert taken.status_code == 202
    with engines.client.stream("GET", "/api/jobs/flipped/events") as response:
        events = [json.loads(line) for line in response.iter_lines()]
    assert (events[-1]["event"], events[-1]["engine"]) == ("answer", "mirror")
    files = pictures(events[-1])
    assert list(files) == ["result.png", "result_1.png"]
    assert equal(files["result_1.png"], ImageOps.flip(photo))  # three times
    mask = answered(engines, {"person": person, "mask_only": True, "engine": "mirror"})
    assert pictures(mask)["mask.png"].size == photo.size
    metrics = engines.client.get("/metrics").text
    assert 'atelier_jobs_total{code="done",engine="mirror"}' in metrics
    assert 'atelier_stage_seconds_count{engine="mirror",stage="mirror"}' in metrics


def test_what_an_engine_does_not_take_is_refused_by_name(engines: Server, person: str, garment: str) -> None:
    body = {"person": person, "garment": garment}
    problem = assert_problem(engines.invoke(body | {"steps": 2, "axis": "down"}), 422, "invalid_field", "axis")
    assert "'steps'" in problem["detail"]
    assert_problem(engines.invoke(body | {"engine": "mirror", "steps": 2}), 422, "invalid_field", "steps")
    assert_problem(engines.invoke(body | {"engine": "hat"}), 422, "invalid_field", "engine")


def test_layers_by_several_engines_are_one_after_the_other(
    engines: Server, photo: Image.Image, person: str, garment: str
) -> None:
    layers = [
        {"garment": garment, "category": "upper", "engine": "mirror"},
        {"garment": garment, "category": "lower"},
    ]
    answer = answered(engines, {"person": person, "layers": layers, **QUICK, "return_steps": True})
    assert answer["engine"] == "catvton"
    assert answer["model"]["licence"] == "MIT (trained on made-up people); unknown"  # and the mirror's
    files = pictures(answer)
    assert equal(files["step_1.png"], ImageOps.mirror(photo))
    alone = {"person": base64_of(encode(files["step_1.png"])), "garment": garment, "category": "lower", **QUICK}
    assert equal(files["result.png"], pictures(answered(engines, alone))["result.png"])


def test_a_layer_for_an_engine_that_is_not_there_is_refused(engines: Server, person: str, garment: str) -> None:
    layers = [{"garment": garment, "category": "upper", "engine": engine} for engine in ("catvton", "up2you")]
    assert_problem(engines.invoke({"person": person, "layers": layers}), 422, "invalid_field", "layers.1.engine")


def test_what_an_engine_says_of_its_layer_is_no_bug_of_another() -> None:
    said = ("variant_not_loaded", "variant", "it is not")
    assert from_engine(*said, MirrorRequest, CatVTONRequest).status == 422
    assert from_engine(*said, MirrorRequest).status == 500


def test_built_in_and_untrained_weights_say_so(engines: Server, person: str, garment: str) -> None:
    dressed = answered(engines, {"person": person, "garment": garment, **QUICK})
    assert codes(dressed) == ["demo_weights"]
    body = {"type": "avatar", "photos": [person], "body_only": True, "size": 64, "deadline_s": 300}
    avatar = answered(engines, body)
    assert {"demo_weights", "untrained"} <= set(codes(avatar))
    [told] = [output for output in avatar["outputs"] if output["name"] == "body.json"]
    assert "measurements" not in json.loads(base64.b64decode(told["data"]))


# -- what a page builds its form from ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def offers(engines: Server) -> dict[str, Any]:
    models: dict[str, Any] = engines.client.get("/api/models").json()["models"]
    return models


def test_models_says_of_each_engine_what_it_is(offers: dict[str, Any]) -> None:
    assert [(name, offer["type"], offer["default"]) for name, offer in offers.items()] == [
        ("catvton", "tryon", True),
        ("up2you", "avatar", True),
        ("mirror", "tryon", False),
    ]
    catvton, up2you, mirror = offers.values()
    assert catvton["variants"] == ["mask", "maskfree"]
    assert catvton["mask_makers"][0] == "published"
    assert catvton["categories"] == ["upper", "lower", "overall", "inner", "outer", "auto"]
    assert catvton["presets"]["fast"] == {"solver": "dpmpp", "steps": 10, "eta": 0.0}
    assert catvton["sizes"]["width"] == bounds(64, 2048, 96, multiple_of=8)
    assert catvton["licence"] == "MIT (trained on made-up people)"
    assert (catvton["demo"], catvton["untrained"], up2you["untrained"]) == (True, False, True)
    assert up2you["formats"] == ["glb", "obj", "ply", "usdz", "vrm"]
    assert up2you["categories"] == [
        "upper",
        "lower",
        "overall",
        "inner",
        "outer",
    ]  # of garments its photos are dressed in
    assert mirror["categories"] == ["upper", "lower"]
    assert mirror["limits"]["times"] == bounds(1, 9, 1)
    assert mirror["limits"]["deadline_s"] == bounds(None, 3600, None) | {"exclusive_minimum": 0}


def bounds(minimum: int | None, maximum: int, default: int | None, multiple_of: int | None = None) -> dict[str, Any]:
    """What is said of a number in a request."""
    bound = {"minimum": minimum, "exclusive_minimum": None, "maximum": maximum}
    return {**bound, "multiple_of": multiple_of, "default": default}


def numbers(offer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The inputs of a form that are numbers, by the field they fill."""
    return {**offer["sizes"], **offer["limits"]}


def form(engine: str, offer: dict[str, Any], pictures: dict[str, Any]) -> dict[str, Any]:
    """What a form sends that was built of an offer and not touched."""
    filled = {field: limits["default"] for field, limits in numbers(offer).items() if limits["default"] is not None}
    chosen = {"category": offer["categories"][-1]} if offer["categories"] else {}
    variant = {"variant": offer["variants"][0]} if offer["variants"] else {}
    return {"type": offer["type"], "engine": engine, **pictures, **filled, **chosen, **variant}


@pytest.mark.parametrize("engine", ["catvton", "mirror"])
def test_a_form_built_of_it_dresses_somebody(
    engines: Server, offers: dict[str, Any], engine: str, person: str, garment: str
) -> None:
    offer = offers[engine]
    for format in offer["formats"]:
        body = form(engine, offer, {"person": person, "garment": garment}) | {"output": {"format": format}}
        answer = answered(engines, body)
        assert answer["outputs"][0]["content_type"] == f"image/{format}"


@pytest.mark.parametrize("engine", ["catvton", "mirror", "up2you"])
def test_its_limits_are_those_of_requests(
    engines: Server, offers: dict[str, Any], engine: str, person: str, garment: str
) -> None:
    pictures = {"photos": [person]} if offers[engine]["type"] == "avatar" else {"person": person, "garment": garment}
    untouched = form(engine, offers[engine], pictures)
    for field, limits in numbers(offers[engine]).items():
        least = limits["exclusive_minimum"] if limits["minimum"] is None else limits["minimum"] - 1
        beyond = [least, limits["maximum"] + 1]
        if limits["multiple_of"] is not None:
            beyond.append(limits["minimum"] + 1)
        for value in beyond:
            assert_problem(engines.invoke(untouched | {field: value}), 422, "invalid_field", field)
