"""Clients of Vesaki's service, unchanged: the calls of its reference against ours, answers field by field."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import subprocess
from datetime import datetime
from typing import Any

import httpx
import pytest
from PIL import Image

from container.settings import Settings
from model.samples.samples import small_sample
from serve.clients.vesaki_errors import told as told_as_vesaki
from serve.errors import NotReady, Overloaded
from tests.conftest import encode
from tests.serve.conftest import TOKEN, WEBHOOK_SECRET
from tests.server import Server, eventually
from tests.site import Site

SIZE = (288, 384)


def enlarged(name: str) -> bytes:
    with Image.open(small_sample()[name]) as picture:
        return encode(picture.convert("RGB").resize(SIZE))


@pytest.fixture(scope="module")
def person() -> bytes:
    return enlarged("person")


@pytest.fixture(scope="module")
def garment() -> bytes:
    return enlarged("garment")


@pytest.fixture
def shown(site: Site, person: bytes, garment: bytes) -> dict[str, str]:
    """Where the pictures of a batch are."""
    site.bodies["/person.png"] = lambda to: to.write(person)
    site.bodies["/garment.png"] = lambda to: to.write(garment)
    return {"person_url": f"{site.url}/person.png", "garment_url": f"{site.url}/garment.png"}


def decoded(text: str) -> Image.Image:
    with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
        picture.load()
        return picture


def dress(server: Server, person: bytes, garment: bytes, **fields: str) -> httpx.Response:
    files = {
        "person_image": ("person.jpg", person, "image/jpeg"),
        "garment_image": ("garment.png", garment, "image/png"),
    }
    return server.client.post("/api/v1/tryon", files=files, data=fields)


def assert_error(answer: httpx.Response, status: int, error_code: str, field: str | None) -> None:
    told = answer.json()
    assert answer.status_code == status, told
    assert told.keys() == {"status", "error_code", "message", "details"}
    assert (told["status"], told["error_code"], told["details"]["field"]) == ("error", error_code, field)
    assert len(told["message"]) > 10


def test_curl_dresses_somebody_with_options_as_json(
    everybody: Server, tmp_path: Any, person: bytes, garment: bytes
) -> None:
    for name, content in (("person.png", person), ("garment.png", garment)):
        (tmp_path / name).write_bytes(content)
    options = json.dumps({"output_format": "png", "quality": 90, "return_mask": True})
    form = [f"person_image=@{tmp_path}/person.png", f"garment_image=@{tmp_path}/garment.png", f"options={options}"]
    arguments = [word for part in form for word in ("-F", part)]
    token = ["-H", f"Authorization: Bearer {TOKEN}"]
    curl = ["curl", "-fsS", *token, *arguments, f"{everybody.url}/api/v1/tryon"]
    told = json.loads(subprocess.run(curl, capture_output=True, check=True, timeout=600).stdout)
    assert told.keys() == {"status", "result_image", "processing_time", "metadata", "intermediate_results"}
    assert told["status"] == "success"
    assert told["processing_time"] > 0
    assert told["metadata"].keys() == {
        "input_resolution",
        "output_resolution",
        "person_resolution",
        "garment_resolution",
        "model_version",
    }
    assert {tuple(told["metadata"][f"{of}_resolution"]) for of in ("input", "output", "person", "garment")} == {SIZE}
    assert told["metadata"]["model_version"].startswith("warp-")
    picture = decoded(told["result_image"])
    assert (picture.format, picture.size) == ("PNG", SIZE)
    assert told["intermediate_results"].keys() == {"composition_mask"}


def test_flat_fields_are_options_too_and_the_warped_garment_comes_with_it(
    everybody: Server, person: bytes, garment: bytes
) -> None:
    answer = dress(everybody, person, garment, output_format="jpeg", quality="80", return_intermediate="true")
    told = answer.json()
    assert decoded(told["result_image"]).format == "JPEG"
    assert told["intermediate_results"].keys() == {"warped_garment", "composition_mask"}
    assert decoded(told["intermediate_results"]["warped_garment"]).mode == "RGBA"
    assert answer.headers["x-ratelimit-limit"] == "60"
    assert 0 <= int(answer.headers["x-ratelimit-remaining"]) < 60
    assert int(answer.headers["x-ratelimit-reset"]) > datetime.now().timestamp() - 60


def test_what_is_wrong_is_told_in_its_words(everybody: Server, person: bytes, garment: bytes) -> None:
    client = everybody.client
    only = {"person_image": ("p.png", person, "image/png")}
    assert_error(client.post("/api/v1/tryon", files=only), 400, "MISSING_PARAMETER", "garment_image")
    assert_error(dress(everybody, b"GIF89a", garment), 400, "INVALID_FORMAT", "person_image")
    assert_error(dress(everybody, person[:20], garment), 400, "INVALID_IMAGE", "person_image")
    small, large = (encode(Image.new("RGB", (side, 300))) for side in (255, 4097))
    assert_error(dress(everybody, small, garment), 400, "INVALID_IMAGE", "person_image")
    assert_error(dress(everybody, person, large), 400, "INVALID_IMAGE", "garment_image")
    assert_error(dress(everybody, person + bytes(10 * 2**20), garment), 413, "IMAGE_TOO_LARGE", "person_image")
    assert_error(dress(everybody, person, garment, options="[]"), 400, "INVALID_FORMAT", "options")
    assert_error(dress(everybody, person, garment, quality="101"), 400, "INVALID_FORMAT", "quality")
    assert_error(dress(everybody, person[:200], garment), 400, "INVALID_IMAGE", "person_image")
    assert_error(client.get("/api/v1/batch/unknown"), 404, "JOB_NOT_FOUND", None)


@pytest.mark.parametrize("side", [256, 4096])
def test_pictures_at_its_limits_are_taken(everybody: Server, garment: bytes, side: int) -> None:
    answer = dress(everybody, encode(Image.new("RGB", (256, side), "grey")), garment)
    assert "pixels" not in answer.json().get("message", "")


@pytest.mark.parametrize(
    ("problem", "status", "error_code"),
    [
        (NotReady("still starting", retry_after_s=5), 503, "MODEL_NOT_LOADED"),
        (Overloaded("too busy", retry_after_s=5), 429, "RATE_LIMIT_EXCEEDED"),
    ],
)
def test_who_has_to_wait_is_told_how_long(problem: NotReady | Overloaded, status: int, error_code: str) -> None:
    answer = told_as_vesaki(problem)
    told = json.loads(bytes(answer.body))
    assert (answer.status_code, told["error_code"], told["retry_after"]) == (status, error_code, 6)
    assert answer.headers["retry-after"] == "6"


def test_a_batch_is_told_of_pair_by_pair_and_calls_back(everybody: Server, site: Site, shown: dict[str, str]) -> None:
    site.posts.clear()
    pairs = [shown | {"pair_id": "first"}, shown | {"garment_url": f"{site.url}/none.png"}]
    body = {"pairs": pairs, "options": {"output_format": "jpeg"}, "callback_url": f"{site.url}/hook"}
    answer = everybody.client.post("/api/v1/batch", json=body)
    taken = answer.json()
    assert (answer.status_code, taken["status"], taken["completed"]) == (202, "processing", 0)
    assert taken.keys() == {
        *("job_id", "status", "total", "total_pairs", "completed"),
        *("estimated_time_seconds", "status_url"),
    }
    assert taken["total"] == taken["total_pairs"] == 2
    eventually(lambda: everybody.client.get(taken["status_url"]).json()["status"] == "partial")
    told = everybody.client.get(taken["status_url"]).json()
    first, second = told.pop("results")
    assert (told["job_id"], told["total_pairs"], told["completed"], told["failed"]) == (taken["job_id"], 2, 1, 1)
    assert datetime.fromisoformat(told["created_at"]) <= datetime.fromisoformat(told["completed_at"])
    assert (first["pair_id"], first["status"]) == ("first", "completed")
    assert first["processing_time"] > 0
    picture = httpx.get(first["result_url"], timeout=600)  # signed, so without the token
    assert picture.headers["content-type"] == "image/jpeg"
    assert (second["pair_id"], second["status"], second["result_url"]) == ("1", "failed", None)
    assert "404" in second["error"]
    eventually(lambda: len(site.posts) == 1)
    headers, content = site.posts[0]
    assert json.loads(content)["status"] == "partial"
    digest = hmac.new(WEBHOOK_SECRET.encode(), content, hashlib.sha256).hexdigest()
    assert headers["x-webhook-signature"] == f"sha256={digest}"


def test_a_batch_that_is_none_is_refused_and_too_many_are_told_when_to_come(
    everybody: Server, shown: dict[str, str]
) -> None:
    def asked(body: dict[str, Any]) -> httpx.Response:
        return everybody.client.post("/api/v1/batch", json=body)

    assert_error(asked({}), 400, "MISSING_PARAMETER", "pairs")
    assert_error(asked({"pairs": [{"person_url": "x"}]}), 400, "MISSING_PARAMETER", "pairs.0.garment_url")
    assert_error(asked({"pairs": [shown] * 257}), 400, "INVALID_FORMAT", "pairs")
    assert_error(asked({"pairs": [shown], "callback_url": "https://127.0.0.1/"}), 400, "INVALID_IMAGE", "callback_url")
    refused = asked({})
    told = refused.json()
    assert (refused.status_code, told["error_code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert 0 < told["retry_after"] <= 3601
    assert refused.headers["x-ratelimit-remaining"] == "0"


def test_health_model_and_metrics_have_its_fields(everybody: Server) -> None:
    health, model = (everybody.client.get(f"/api/v1/{path}").json() for path in ("health", "model/info"))
    assert health.keys() == {"status", "model_loaded", "gpu_available", "gpu_name", "version", "uptime_seconds"}
    assert (health["status"], health["model_loaded"], health["version"]) == ("healthy", True, "1.0.0")
    assert (health["gpu_available"], health["gpu_name"]) == (False, None)
    assert model.keys() == {
        *("name", "version", "architecture", "input_resolution", "output_resolution"),
        *("parameters", "training_info"),
    }
    assert (model["name"], model["architecture"]) == ("warp", "GMM + TOM")
    parameters = model["parameters"]
    assert parameters["total"] == parameters["gmm"] + parameters["tom"] > 10**6
    metrics = everybody.client.get("/api/v1/metrics")
    assert 'route="/api/v1/health"' in metrics.text


@pytest.mark.parametrize("limits", ["60/minute", "60/minute,often,1/hour"])
def test_its_limits_are_three(limits: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Settings(vesaki_limits=limits)
