"""`POST /invocations` and the routes beside it, over a real socket."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.server import Server, eventually


def assert_problem(response: httpx.Response, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 2048
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["code"], problem["field"]) == (status, code, field)
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"]
    return problem


def test_an_answer_carries_its_outputs_seed_timings_and_model(server: Server, picture: str, png: bytes) -> None:
    response = server.probe(picture=picture, steps_s=[0.001], seed=7)
    assert response.status_code == 200
    assert int(response.headers["content-length"]) == len(response.content)
    answer = response.json()
    assert (answer["type"], answer["state"], answer["seed"]) == ("probe", "done", 7)
    [output] = answer["outputs"]
    content = base64.b64decode(output["data"])
    assert hashlib.sha256(png).hexdigest() in content.decode()
    assert (output["sha256"], output["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert {"queue_s", "fetch_s", "network_s", "wait_s"} <= answer["timings"].keys()
    assert answer["model"]["engine"] == "probe"


def test_a_seed_is_drawn_and_echoed_when_none_is_given(server: Server) -> None:
    seeds = {server.probe().json()["seed"] for _ in range(3)}
    assert len(seeds) == 3
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_the_type_is_inferred_from_fields_that_leave_no_doubt(server: Server) -> None:
    assert server.invoke({"steps_s": []}).json()["type"] == "probe"
    assert_problem(server.invoke({"seed": 1}), 422, "invalid_field", "type")
    odd_types: list[Any] = [{}, [], 1, None, True]
    for odd in odd_types:
        assert_problem(server.invoke({"type": odd}), 422, "invalid_field", "type")
    problem = assert_problem(server.invoke({"type": "hologram"}), 422, "invalid_field", "type")
    assert "'hologram'" in problem["detail"]
    assert all(served in problem["detail"] for served in ("tryon", "avatar", "probe"))


@pytest.mark.parametrize(
    ("fields", "field", "value"),
    [
        ({"seed": -1}, "seed", "-1"),
        ({"seed": 2**32}, "seed", str(2**32)),
        ({"sede": 1}, "sede", "1"),
        ({"id": "../etc"}, "id", "../etc"),
        ({"id": ".hidden"}, "id", ".hidden"),
        ({"id": "x" * 65}, "id", "67 characters"),
        ({"output": {"format": "gif"}}, "output.format", "gif"),
        ({"steps_s": ["soon"]}, "steps_s.0", "soon"),
        ({"deadline_s": 0}, "deadline_s", "0"),
    ],
)
def test_a_bad_field_is_named_with_its_value(server: Server, fields: dict[str, Any], field: str, value: str) -> None:
    problem = assert_problem(server.probe(**fields), 422, "invalid_field", field)
    assert f"'{field}'" in problem["detail"]
    assert value in problem["detail"]


def test_a_misspelt_field_gets_the_nearest_name(server: Server) -> None:
    detail = assert_problem(server.probe(sede=1), 422, "invalid_field", "sede")["detail"]
    assert "did you mean 'seed'?" in detail
    detail = assert_problem(server.probe(output={"fromat": "png"}), 422, "invalid_field", "output.fromat")["detail"]
    assert "did you mean 'format'?" in detail
    assert "did you mean" not in assert_problem(server.probe(xyzzy=1), 422, "invalid_field", "xyzzy")["detail"]


def test_all_that_is_wrong_is_said_at_once(server: Server) -> None:
    problem = assert_problem(server.probe(seed=-1, sede=1, deadline_s=0), 422, "invalid_field", "seed")
    assert all(f"'{field}'" in problem["detail"] for field in ("seed", "sede", "deadline_s"))
    many = {f"field_{i}": "x" * 60 for i in range(40)}
    assert "and 32 more" in assert_problem(server.probe(**many), 422, "invalid_field", "field_0")["detail"]
    long = {name * 20: value for name, value in many.items()}
    assert_problem(server.probe(**long), 422, "invalid_field", "field_0" * 20)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b'"text"', b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_a_bad_request(server: Server, body: bytes) -> None:
    response = server.client.post("/invocations", content=body, headers={"Content-Type": "application/json"})
    assert_problem(response, 400, "bad_json")


def test_another_media_type_is_refused_by_name(server: Server) -> None:
    response = server.client.post("/invocations", content=b"{}", headers={"Content-Type": "text/csv"})
    assert "text/csv" in assert_problem(response, 415, "unsupported_media")["detail"]


@pytest.mark.parametrize("bug", ["bug", "mumble"])
def test_a_bug_in_an_engine_tells_the_client_nothing_of_itself(server: Server, bug: str) -> None:
    """Be it an error, or a code that its engine does not have."""
    response = server.probe(then=bug)
    assert_problem(response, 500, "internal")
    assert "passwd" not in response.text
    assert "Traceback" not in response.text


def test_what_an_engine_refuses_names_field_and_code(server: Server) -> None:
    assert_problem(server.probe(then="refuse"), 422, "not_liked", "picture")


def test_unknown_routes_and_methods_are_problems_too(server: Server) -> None:
    assert_problem(server.client.get("/nothing"), 404, "no_such_route")
    assert_problem(server.client.get("/invocations"), 405, "no_such_route")


def events(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.splitlines()]


def test_a_stream_tells_progress_and_ends_with_the_answer(server: Server) -> None:
    response = server.invoke({"type": "probe", "steps_s": [0.02] * 5, "seed": 3}, Accept="application/x-ndjson")
    assert response.headers["content-type"].startswith("application/x-ndjson")
    *progress, last = events(response)
    assert {event["event"] for event in progress} == {"progress"}
    assert any((event["stage"], event["total"]) == ("wait", 5) for event in progress)
    elapsed = [event["elapsed_s"] for event in progress]
    assert elapsed == sorted(elapsed)
    assert (last["event"], last["seed"], last["state"]) == ("answer", 3, "done")


def test_a_stream_ends_with_the_problem_when_there_is_one(server: Server) -> None:
    response = server.invoke({"type": "probe", "then": "refuse"}, Accept="application/x-ndjson")
    last = events(response)[-1]
    assert (last["event"], last["status"], last["code"]) == ("problem", 422, "not_liked")
    assert last["request_id"] == response.headers["x-request-id"]


def test_the_stream_may_be_server_sent_events(server: Server) -> None:
    response = server.invoke({"type": "probe"}, Accept="text/event-stream")
    blocks = [block.split("\n") for block in response.text.strip().split("\n\n")]
    assert blocks[-2][2] == "event: answer"
    assert json.loads(blocks[-2][3].removeprefix("data: "))["state"] == "done"
    assert blocks[-1][1] == "event: end"


def test_the_platforms_headers_come_back(server: Server) -> None:
    headers = {
        "X-Amzn-SageMaker-Custom-Attributes": "trace=42;kept verbatim",
        "X-Amzn-SageMaker-Inference-Id": "from-sagemaker",
        "X-Amzn-SageMaker-Unheard-Of": "ignored",
    }
    response = server.client.post("/invocations", json={"type": "probe"}, headers=headers)
    assert response.headers["x-amzn-sagemaker-custom-attributes"] == "trace=42;kept verbatim"
    assert response.headers["x-request-id"] == "from-sagemaker"
    assert response.json()["id"] == "from-sagemaker"


def test_ping_answers_get_and_post_with_an_empty_body(server: Server) -> None:
    for method in ("GET", "POST"):
        response = server.client.request(method, "/ping")
        assert (response.status_code, response.content) == (200, b"")


def test_health_says_the_state_in_a_word(server: Server) -> None:
    assert server.client.get("/health").json() == {"state": "ready"}


def test_models_names_engines_weights_licences_and_backends(server: Server) -> None:
    body = server.client.get("/api/models").json()
    assert body["state"] == "ready"
    assert len(body["models"]["catvton"]["fingerprint"]) == 64
    assert body["models"]["catvton"]["licence"]
    assert body["device"]["dtype"] == "float32"
    assert body["device"]["memory_bytes"] > body["device"]["job_bytes"] > 0
    assert "xformers" in body["backends"]


def test_metrics_count_stages_forwards_and_failures_apart(server: Server) -> None:
    server.probe(steps_s=[0.001])
    server.probe(then="refuse")
    text = server.client.get("/metrics").text
    for stage in ("queue", "fetch", "wait", "network", "store"):
        assert f'atelier_stage_seconds_count{{engine="probe",stage="{stage}"}}' in text
    assert 'atelier_jobs_total{code="not_liked",engine="probe"}' in text
    assert 'atelier_responses_total{route="/invocations",status="200"}' in text
    assert "atelier_workers_ready 1.0" in text


def test_the_examples_of_the_docs_run_as_they_stand(server: Server) -> None:
    document = server.client.get("/openapi.json").json()
    examples = document["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert examples
    assert "200" in document["paths"]["/invocations"]["post"]["responses"]
    for example in examples.values():
        response = server.invoke(example["value"])
        assert response.status_code == 200, response.text


def test_the_log_has_request_ids_and_no_picture(server: Server, picture: str) -> None:
    server.invoke({"type": "probe", "picture": picture}, X_Request_Id="find-me")

    def logged() -> bool:
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
        return any(line.get("request_id") == "find-me" and line.get("route") == "/invocations" for line in lines)

    eventually(logged)  # the line follows the answer
    assert picture[:40] not in server.log.read_text()
