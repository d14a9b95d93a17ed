"""Scripts for fal's CatVTON endpoint and for FASHN, unchanged: their example calls, answers field by field."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fashn import BadRequestError, Fashn, NotFoundError
from PIL import Image

from model.samples.samples import small_sample
from tests.conftest import base64_of
from tests.serve.conftest import TOKEN
from tests.server import Server, eventually
from tests.site import Site

CAT_VTON = "/fal-ai/cat-vton"
QUEUED = f"/queue{CAT_VTON}"


def data_uri(file: Path) -> str:
    return f"data:image/png;base64,{base64_of(file.read_bytes())}"


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    sample = small_sample()
    return {"human": data_uri(sample["person"]), "garment": data_uri(sample["garment"])}


@pytest.fixture(scope="module")
def fal_body(pictures: dict[str, str]) -> dict[str, Any]:
    """All fields that it has."""
    return {
        "human_image_url": pictures["human"],
        "garment_image_url": pictures["garment"],
        "cloth_type": "upper",
        "image_size": {"width": 96, "height": 128},
        "num_inference_steps": 2,
        "guidance_scale": 2.5,
        "seed": 42,
    }


@pytest.fixture(scope="module")
def inputs(pictures: dict[str, str]) -> dict[str, Any]:
    return {"model_image": pictures["human"], "garment_image": pictures["garment"], "category": "tops"}


def shown(url: str) -> Image.Image:
    """What a page without a token gets to see at this address."""
    answer = httpx.get(url, timeout=600).raise_for_status()
    with Image.open(io.BytesIO(answer.content)) as picture:
        picture.load()
        return picture


def assert_fals_picture(result: dict[str, Any], size: tuple[int, int]) -> None:
    assert result.keys() == {"image"}
    image = result["image"]
    assert image.keys() == {"url", "content_type", "file_name", "file_size", "width", "height"}
    assert (image["content_type"], image["file_name"]) == ("image/png", "result.png")
    assert image["file_size"] == len(httpx.get(image["url"], timeout=600).content)
    assert shown(image["url"]).size == (image["width"], image["height"]) == size


def test_fal_waits_and_the_picture_has_the_size_that_was_asked_for(everybody: Server, fal_body: dict[str, Any]) -> None:
    answer = everybody.client.post(CAT_VTON, json=fal_body)
    assert answer.status_code == 200, answer.text
    assert_fals_picture(answer.json(), (96, 128))


def test_fal_queues_and_tells_how_far_it_is(everybody: Server, fal_body: dict[str, Any]) -> None:
    fields = {name: value for name, value in fal_body.items() if name != "image_size"}
    taken = everybody.client.post(QUEUED, json=fields).json()
    id = taken["request_id"]
    url = f"{everybody.url}{QUEUED}/requests/{id}"
    addresses = {"request_id": id, "response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
    assert taken["status"] in ("IN_QUEUE", "IN_PROGRESS")
    assert taken.items() >= addresses.items()
    eventually(lambda: everybody.client.get(taken["status_url"]).json()["status"] == "COMPLETED")
    told = everybody.client.get(taken["status_url"]).json()
    assert told.keys() == {"status", "logs", "metrics", *addresses}
    assert told["metrics"]["inference_time"] > 0
    with Image.open(small_sample()["person"]) as person:
        assert_fals_picture(everybody.client.get(taken["response_url"]).json(), person.size)
    assert everybody.client.put(taken["cancel_url"]).json() == {"status": "ALREADY_COMPLETED"}


def test_fals_endpoint_is_catvton_whoever_else_is_the_default(everybody: Server, fal_body: dict[str, Any]) -> None:
    names = ("human_image_url", "garment_image_url", "cloth_type")
    fields = {name: fal_body[name] for name in names}  # none that warping would refuse
    job = f"/api/jobs/{everybody.client.post(QUEUED, json=fields).json()['request_id']}"
    eventually(lambda: everybody.client.get(job).json()["state"] == "done")
    assert everybody.client.get(job).json()["answer"]["model"]["engine"] == "catvton"


def test_fal_cancels_what_is_in_progress(everybody: Server, fal_body: dict[str, Any]) -> None:
    slow = fal_body | {"num_inference_steps": 200, "image_size": {"width": 256, "height": 256}}
    taken = everybody.client.post(CAT_VTON, json=slow, headers={"Host": "queue.example"}).json()
    url = f"{QUEUED}/requests/{taken['request_id']}"
    assert everybody.client.get(url).status_code == 400  # still in progress
    cancelled = everybody.client.put(f"{url}/cancel")
    assert (cancelled.status_code, cancelled.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    gone = everybody.client.put(f"{url}/cancel")
    assert (gone.status_code, gone.json()) == (404, {"status": "NOT_FOUND"})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cloth_type": "hat"}, "cloth_type"),
        ({"num_inference_steps": "many"}, "num_inference_steps"),
        ({"human_image_url": None}, "human_image_url"),
        ({"human_image_url": "https://127.0.0.1/x.png"}, "human_image_url"),
        ({"image_size": "huge"}, "image_size"),
        ({"prompt": "a hat"}, "prompt"),
    ],
)
def test_fal_says_what_is_wrong_in_its_own_words(
    everybody: Server, fal_body: dict[str, Any], wrong: dict[str, Any], field: str
) -> None:
    answer = everybody.client.post(CAT_VTON, json=fal_body | wrong)
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert detail.keys() == {"loc", "msg", "type"}
    assert detail["loc"] == ["body", field]
    assert f"'{field}'" in detail["msg"]


@pytest.fixture
def called(site: Site) -> Site:
    """A receiver with nothing received."""
    site.posts.clear()
    return site


def called_back(site: Site) -> dict[str, Any]:
    """What came last, by the job's id."""
    return {
        told.get("request_id") or told.get("id"): told for told in (json.loads(content) for _, content in site.posts)
    }


def test_fal_calls_back_with_the_picture_or_the_errors(
    everybody: Server, called: Site, fal_body: dict[str, Any]
) -> None:
    absent = {**fal_body, "garment_image_url": f"{called.url}/none.png"}
    asked = {"fal_webhook": f"{called.url}/hook"}
    done, failed = (
        everybody.client.post(QUEUED, json=body, params=asked).json()["request_id"] for body in (fal_body, absent)
    )
    eventually(lambda: {done, failed} <= called_back(called).keys())
    ok, error = (called_back(called)[id] for id in (done, failed))
    assert ok.keys() == error.keys() == {"request_id", "gateway_request_id", "status", "error", "payload"}
    assert (ok["status"], ok["error"]) == ("OK", None)
    assert_fals_picture(ok["payload"], (96, 128))
    assert error["status"] == "ERROR"
    assert error["payload"]["detail"][0]["loc"] == ["body", "garment_image_url"]
    assert "404" in error["error"]
    assert "webhook-signature" in called.posts[0][0]


def test_fashn_calls_back_with_what_its_status_says(everybody: Server, called: Site, inputs: dict[str, Any]) -> None:
    asked = {"webhook_url": f"{called.url}/hook"}
    body = {"model_name": "tryon-v1.6", "inputs": inputs}
    id = everybody.client.post("/v1/run", json=body, params=asked).json()["id"]
    eventually(lambda: id in called_back(called))
    told, status = called_back(called)[id], everybody.client.get(f"/v1/status/{id}").json()
    assert told.keys() == status.keys()
    assert told["status"] == "completed"
    assert shown(told["output"][0]).size == shown(status["output"][0]).size


@pytest.mark.parametrize("route", [f"{QUEUED}?fal_webhook=", "/v1/run?webhook_url="])
def test_nobody_is_called_back_at_an_address_of_ours(
    everybody: Server, fal_body: dict[str, Any], inputs: dict[str, Any], route: str
) -> None:
    body = fal_body if "fal" in route else inputs
    answer = everybody.client.post(f"{route}https://127.0.0.1/", json=body)
    assert answer.status_code in (400, 422)
    assert "webhook" in answer.text


def test_fals_key_is_a_token(everybody: Server, fal_body: dict[str, Any]) -> None:
    for key, status in ((TOKEN, 200), ("another", 401)):
        answer = httpx.post(
            everybody.url + CAT_VTON, json=fal_body, headers={"Authorization": f"Key {key}"}, timeout=600
        )
        assert answer.status_code == status


def test_fashns_own_package_dresses_somebody(everybody: Server, inputs: dict[str, Any]) -> None:
    client = Fashn(api_key=TOKEN, base_url=everybody.url)
    asked: Any = inputs | {"mode": "performance", "num_samples": 2, "seed": 5, "moderation_level": "none"}
    result = client.predictions.subscribe(model_name="tryon-v1.6", inputs=asked, timeout=600_000)
    assert (result.status, result.error) == ("completed", None)
    assert result.output is not None
    first, second = (shown(url) for url in result.output)
    with Image.open(small_sample()["person"]) as person:
        assert first.size == second.size == person.size
    assert first.tobytes() != second.tobytes()


def test_fashn_takes_its_old_format_too(everybody: Server, inputs: dict[str, Any]) -> None:
    taken = everybody.client.post("/v1/run", json=inputs | {"output_format": "jpeg", "return_base64": True}).json()
    assert taken.keys() == {"id", "error"}
    assert taken["error"] is None
    eventually(lambda: everybody.client.get(f"/v1/status/{taken['id']}").json()["status"] == "completed")
    told = everybody.client.get(f"/v1/status/{taken['id']}").json()
    assert told.keys() == {"id", "status", "output", "error"}
    (picture,) = told["output"]
    kind, _, data = picture.partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as dressed:
        assert dressed.format == "JPEG"


def test_fashn_fails_as_its_package_expects(everybody: Server, inputs: dict[str, Any]) -> None:
    client = Fashn(api_key=TOKEN, base_url=everybody.url, max_retries=0)
    hat: Any = inputs | {"category": "hat"}
    with pytest.raises(BadRequestError) as refused:
        client.predictions.run(model_name="tryon-v1.6", inputs=hat)
    assert refused.value.body == {
        "error": "BadRequest",
        "message": "'category' must be one of auto, tops, bottoms, one-pieces",
    }
    with pytest.raises(NotFoundError):
        client.predictions.status("unknown")
    private: Any = inputs | {"garment_image": "https://127.0.0.1/x"}
    unreachable = client.predictions.run(model_name="tryon-v1.6", inputs=private)
    eventually(lambda: client.predictions.status(unreachable.id).status == "failed")
    failed = client.predictions.status(unreachable.id)
    assert failed.error is not None
    assert failed.error.name == "ImageLoadError"
    assert "garment" in failed.error.message
