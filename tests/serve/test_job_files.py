"""Results of jobs have addresses that a browser can be pointed at, also where a token is asked for."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from model.samples.samples import small_sample
from serve.addresses_of_jobs import Addresses
from tests.conftest import base64_of
from tests.serve.test_invocations import assert_problem
from tests.serve.test_token import TOKEN, bearer
from tests.server import Server, eventually, serving

ODD_ID = "order 17/2"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It asks for a token, stores in a folder, and computes one job at a time."""
    folder = tmp_path_factory.mktemp("guarded")
    settings = {"API_TOKEN": TOKEN, "OUTPUT_PREFIX": f"file://{folder}/out/", "BATCHING": "off"}
    with serving(folder, 180, **settings) as server:
        server.client.headers.update(bearer(TOKEN))
        yield server


def ended(server: Server, url: str) -> dict[str, Any]:
    eventually(lambda: server.client.get(url).json()["state"] in ("done", "failed"), within_s=180)
    job: dict[str, Any] = server.client.get(url).json()
    return job


@pytest.fixture(scope="module")
def job(server: Server) -> dict[str, Any]:
    """A finished try-on whose picture is in its answer."""
    pictures = {field: base64_of(file.read_bytes()) for field, file in small_sample().items()}
    body = {"type": "tryon", **pictures, "width": 64, "height": 64, "steps": 1, "output": {"format": "jpeg"}}
    taken = server.client.post("/api/jobs", json=body).json()
    return ended(server, taken["url"])


@pytest.fixture(scope="module")
def url(job: dict[str, Any]) -> str:
    return str(job["urls"]["result.jpg"])


def test_a_result_is_given_out_as_the_file_it_is(server: Server, job: dict[str, Any], url: str) -> None:
    [output] = job["answer"]["outputs"]
    answer = server.client.get(url)
    assert answer.content == base64.b64decode(output["data"])
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["etag"] == f'"{output["sha256"]}"'
    head = server.client.head(url)
    assert (head.content, int(head.headers["content-length"])) == (b"", output["bytes"])


def test_parts_of_it_and_what_one_has_already(server: Server, url: str) -> None:
    whole = server.client.get(url)
    part = server.client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert server.client.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
    for nothing in ("items=1", "bytes=x", "bytes=-"):  # as if it had not been asked for
        assert server.client.get(url, headers={"Range": nothing}).status_code == 200
    assert server.client.get(url, headers={"If-None-Match": "*"}).status_code == 304
    again = server.client.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_picture_may_be_asked_for_smaller(server: Server, url: str) -> None:
    whole, small = server.client.get(url), server.client.get(url, params={"max_side": 40})
    with Image.open(io.BytesIO(whole.content)) as large, Image.open(io.BytesIO(small.content)) as scaled:
        assert max(large.size) > max(scaled.size) == 40
        assert scaled.format == large.format == "JPEG"
    assert small.headers["etag"] != whole.headers["etag"]
    as_it_is = server.client.get(url, params={"max_side": 8192})
    with Image.open(io.BytesIO(as_it_is.content)) as same:
        assert same.size == large.size


@pytest.mark.parametrize("side", ["15", "8193", "-40", "forty", "", "4e1"])
def test_a_side_out_of_its_limits_is_refused(server: Server, url: str, side: str) -> None:
    assert_problem(server.client.get(url, params={"max_side": side}), 422, "invalid_field", "max_side")


def test_there_are_no_other_files(server: Server, url: str) -> None:
    for other in ("no.png", "%2e%2e%2fanswer.json", "answer.json"):
        response = server.client.get(url.replace("result.jpg", other))
        assert response.status_code == 404
    assert_problem(server.client.get("/api/jobs/nobody/outputs/result.jpg"), 404, "no_such_job")


def test_signed_addresses_do_without_the_token(guarded: Server) -> None:
    taken = guarded.client.post("/api/jobs", json={"type": "probe", "id": "signed"}).json()
    job = ended(guarded, taken["url"])
    with httpx.Client(base_url=guarded.url, timeout=180) as stranger:
        content = stranger.get(job["urls"]["result.txt"])
        assert content.status_code == 200
        assert len(content.content) == job["answer"]["outputs"][0]["bytes"]
        events = stranger.get(taken["events_url"]).text
        last = json.loads(events.splitlines()[-1])
        assert stranger.get(last["urls"]["result.txt"]).content == content.content
        assert_problem(stranger.get(taken["url"]), 401, "unauthorized")
    assert TOKEN not in json.dumps([taken, job]) + events
    assert "sig=" not in guarded.log.read_text()


def test_nothing_but_what_was_signed_is_given(guarded: Server) -> None:
    taken = guarded.client.post("/api/jobs", json={"type": "probe", "id": "forged"}).json()
    url = ended(guarded, taken["url"])["urls"]["result.txt"]
    path, _, query = url.partition("?")
    forged = [
        path,
        f"{path}?{query[:-1]}0" if query[-1] != "0" else f"{path}?{query[:-1]}1",
        f"{path}?{query.replace('exp=', 'exp=9')}",
        f"{path}?exp=&sig=",
        f"{path.replace('result.txt', 'other.txt')}?{query}",
        f"{taken['url']}/events?{query}",
        f"{taken['url']}?{query}",
    ]
    for other in forged:
        assert_problem(httpx.get(guarded.url + other, timeout=180), 401, "unauthorized")
    assert_problem(httpx.delete(guarded.url + url, timeout=180), 401, "unauthorized")


def test_a_signature_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = Addresses(TOKEN.encode(), valid_s=60)
    path, _, query = addresses.events("one").partition("?")
    assert addresses.is_signed("GET", path, query)
    assert not addresses.is_signed("POST", path, query)
    assert not Addresses(b"another token", 60).is_signed("GET", path, query)
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    assert not addresses.is_signed("GET", path, query)


def test_any_inference_id_is_served_and_echoed(guarded: Server) -> None:
    headers = {"X-Amzn-SageMaker-Inference-Id": ODD_ID}
    first = guarded.client.post("/invocations", json={"type": "probe", "seed": 1}, headers=headers)
    assert first.json()["id"] == ODD_ID
    uri = first.json()["outputs"][0]["uri"]
    assert ODD_ID not in uri
    again = guarded.client.post("/invocations", json={"type": "probe", "seed": 1}, headers=headers)
    assert again.json() == first.json()
    taken = guarded.client.post("/api/jobs", json={"type": "probe", "seed": 1}, headers=headers)
    assert (taken.json()["id"], taken.json()["state"]) == (ODD_ID, "done")
    job = guarded.client.get(taken.headers["location"]).json()
    assert (job["id"], job["answer"]["outputs"][0]["uri"]) == (ODD_ID, uri)
    assert guarded.client.get(job["urls"]["result.txt"]).status_code == 200
    in_use = guarded.client.post("/invocations", json={"type": "probe", "seed": 2}, headers=headers)
    assert_problem(in_use, 409, "id_in_use", "id")
    assert guarded.client.delete(taken.headers["location"]).status_code == 204


@pytest.mark.parametrize("odd", ["..", "../../etc/passwd", ".hidden", "a%00b", "<b>'\\`$", "{x: 1}?#"])
def test_an_inference_id_is_a_name_and_no_path(odd: str, guarded: Server) -> None:
    headers = {"X-Amzn-SageMaker-Inference-Id": odd}
    taken = guarded.client.post("/api/jobs", json={"type": "probe", "seed": 1}, headers=headers)
    assert (taken.status_code, taken.json()["id"]) == (202, odd)
    url = taken.headers["location"]
    eventually(lambda: guarded.client.get(url).json()["state"] == "done", within_s=180)
    assert guarded.client.get(url).json()["id"] == odd
    assert url.removeprefix("/api/jobs/").isalnum()
    assert guarded.client.delete(url).status_code == 204


def test_a_longer_inference_id_is_refused(guarded: Server) -> None:
    for odd in ("x" * 65, "ü"):
        headers = [(b"X-Amzn-SageMaker-Inference-Id", odd.encode())]
        response = guarded.client.post("/invocations", json={"type": "probe"}, headers=headers)
        assert_problem(response, 422, "invalid_field", "id")


def test_who_waits_is_told_his_place(guarded: Server) -> None:
    taken = [
        guarded.client.post("/api/jobs", json={"type": "probe", "id": f"waits-{i}", "unforeseen_s": [0.1] * 10_000})
        for i in range(6)
    ]
    urls = [one.headers["location"] for one in taken]

    def places() -> list[int]:
        return [guarded.client.get(url).json()["progress"]["position"] for url in urls]

    eventually(lambda: places() == [0, *range(1, 6)], within_s=180)
    assert {"elapsed_s", "expected_s"} <= guarded.client.get(urls[0]).json()["progress"].keys()
    for url in urls:
        guarded.client.delete(url)


def test_who_came_before_anything_was_measured_is_told_his_end_as_soon_as_something_is(tmp_path: Path) -> None:
    gate = tmp_path / "open"
    with serving(tmp_path, MAX_LIVE_JOBS=1) as server:

        def hand_in(**body: Any) -> str:
            return str(server.client.post("/api/jobs", json={"type": "probe", **body}).headers["location"])

        def state(url: str) -> str:
            return str(server.client.get(url).json()["state"])

        first = hand_in(steps_s=[0.5, 0.5])
        eventually(lambda: state(first) != "queued")  # those that follow do not overtake it
        later = [hand_in(steps_s=[0.001] * 5, unforeseen_s=[-1], gate=str(gate)) for _ in range(2)]
        eventually(lambda: state(first) == "done" and sorted(map(state, later)) == ["queued", "running"])
        (waits,) = (url for url in later if state(url) == "queued")
        assert server.client.get(waits).json()["progress"]["expected_s"] is not None
        gate.touch()
        eventually(lambda: state(waits) == "done")
