"""`multipart/form-data`: the same requests with files beside the JSON."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from model.samples.samples import small_sample
from serve.errors import Invalid
from serve.form import body_of
from tests.serve.test_invocations import assert_problem
from tests.server import Server, serving

Parts = list[tuple[str, Any]]


def send(server: Server, *parts: tuple[str, Any], route: str = "/invocations") -> httpx.Response:
    return server.client.post(route, files=list(parts))


def request_part(**fields: Any) -> tuple[str, Any]:
    return ("request", (None, json.dumps({"type": "probe", **fields})))


def text_of(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    return base64.b64decode(response.json()["outputs"][0]["data"]).decode()


def test_a_file_is_the_picture_of_its_field(server: Server, png: bytes) -> None:
    response = send(server, request_part(seed=5), ("picture", ("a b.png", png)))
    assert hashlib.sha256(png).hexdigest() in text_of(response)
    assert response.json()["seed"] == 5


def test_the_request_may_be_a_file_too_or_absent(server: Server, png: bytes) -> None:
    body = ("request", ("request.json", b'{"type": "probe", "seed": 6}', "application/json"))
    assert send(server, body, ("picture", ("p", png))).json()["seed"] == 6
    fields = [("type", (None, "probe")), ("seed", (None, "7")), ("picture", ("p", png))]
    assert send(server, *fields).json()["seed"] == 7


def test_a_tryon_needs_nothing_but_files(server: Server) -> None:
    files = [(name, (path.name, path.read_bytes())) for name, path in small_sample().items()]
    assert send(server, *files).json()["type"] == "tryon"
    garment = files.pop([name for name, _ in files].index("garment"))[1]
    both = [("garments.upper", garment), ("garments.lower", garment)]
    small = ("request", (None, '{"steps": 1, "width": 96, "height": 128}'))
    assert send(server, small, *files, *both).json()["state"] == "done"
    assert_problem(send(server, small, *files, both[0]), 422, "invalid_field", "garments.lower")


def test_equal_forms_are_the_same_request_whatever_their_boundaries(server: Server, png: bytes) -> None:
    first, again = (send(server, request_part(id="form"), ("picture", ("p", png))) for _ in range(2))
    assert first.text == again.text
    other = send(server, request_part(id="form"), ("picture", ("p", png + b"\0")))
    assert_problem(other, 409, "id_in_use", "id")


def test_files_are_handed_on_as_they_came(png: bytes) -> None:
    body = body_of([("pictures", png), ("pictures", png), ("picture", b"another"), ("seed", "5")])
    first, second = cast("list[str]", body.fields["pictures"])
    assert body.files[first] is png
    assert body.files[second] is png
    assert body.files[str(body.fields["picture"])] == b"another"
    assert len(body.files) == 2


def test_numbers_and_brackets_in_names_make_lists_and_objects(png: bytes) -> None:
    layers = [("layers[1][category]", "lower"), ("layers[0][category]", "upper")]
    others = [("photos[]", "a"), ("photos[]", "b"), ("output[format]", "jpeg"), ("crop", '"auto"')]
    body = body_of([*layers, ("layers.0.garment", png), *others])
    first, second = cast("list[dict[str, str]]", body.fields["layers"])
    assert body.files[first["garment"]] == png
    assert (first["category"], second) == ("upper", {"category": "lower"})
    assert body.fields["photos"] == ["a", "b"]
    assert (body.fields["output"], body.fields["crop"]) == ({"format": "jpeg"}, "auto")


def test_parts_with_numbers_add_to_a_list_of_the_json(png: bytes) -> None:
    layers = '{"layers": [{"category": "upper"}, {"category": "lower"}]}'
    body = body_of([("request", layers), ("layers.1.garment", png), ("layers[0][garment]", "catalogue:shirt")])
    first, second = cast("list[dict[str, str]]", body.fields["layers"])
    assert first == {"category": "upper", "garment": "catalogue:shirt"}
    assert (second["category"], body.files[second["garment"]]) == ("lower", png)
    with pytest.raises(Invalid, match="given twice"):
        body_of([("request", layers), ("layers.2.garment", png)])


@pytest.mark.parametrize("end", [b"", b"--b", b'--b\r\nContent-Disposition: form-data; name="mask"\r\n\r\nhalf'])
def test_a_form_without_its_last_boundary_ends_early(server: Server, end: bytes) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\n{"type": "probe"}\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = server.client.post("/invocations", content=part + end, headers=headers)
    assert "ends early" in assert_problem(response, 400, "bad_form")["detail"]


def test_what_stands_for_a_file_in_one_form_is_nothing_in_another_request(server: Server, png: bytes) -> None:
    [name] = body_of([("picture", png)]).files
    assert send(server, request_part(), ("picture", ("p", png))).status_code == 200
    problem = assert_problem(server.probe(picture=name), 422, "bad_url", "picture")
    assert "unknown scheme" in problem["detail"]


def test_a_form_may_be_handed_in_as_a_job(server: Server, png: bytes) -> None:
    response = send(server, request_part(), ("picture", ("p", png)), route="/api/jobs")
    assert response.status_code == 202


@pytest.mark.parametrize(
    ("parts", "code", "field"),
    [
        ([request_part(picture="x"), ("picture", ("p", b"y"))], "invalid_field", "picture"),
        ([request_part(), ("picture", ("p", b"y")), ("picture", ("p", b"y"))], "invalid_field", "picture"),
        ([request_part(), request_part()], "invalid_field", "type"),
        ([request_part(output="x"), ("output.format", (None, "png"))], "invalid_field", "output"),
        ([request_part(), ("hat", ("p", b"y"))], "invalid_field", "hat"),
        ([request_part(), ("a.b.c", ("p", b"y"))], "invalid_field", "a"),
        ([request_part(picture="x"), ("picture.b.c", ("p", b"y"))], "invalid_field", "picture.b"),
        ([request_part(), (".".join("a" * 500), ("p", b"y"))], "invalid_field", "a"),
    ],
)
def test_a_part_that_fits_nowhere_is_named(server: Server, parts: Parts, code: str, field: str) -> None:
    assert_problem(send(server, *parts), 422, code, field)


def test_the_request_part_must_be_a_json_object(server: Server) -> None:
    assert_problem(send(server, ("request", (None, "[1]"))), 400, "bad_json")


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_what_is_no_form_is_a_bad_request(server: Server, kind: str) -> None:
    response = server.client.post("/invocations", content=b"no form", headers={"Content-Type": kind})
    assert_problem(response, 400, "bad_form")


def test_a_form_has_a_hundred_files_and_no_more(server: Server) -> None:
    response = send(server, *[(f"file{i}", ("p", b"x")) for i in range(101)])
    assert_problem(response, 400, "bad_form")


def test_a_form_and_its_files_may_be_as_long_as_the_limits_and_no_longer(tmp_path: Path, png: bytes) -> None:
    with serving(tmp_path, MAX_BODY_BYTES=10_000, MAX_INPUT_BYTES=5_000) as server:

        def padded(size: int) -> httpx.Response:
            return send(server, request_part(), ("picture", ("p", png + bytes(size - len(png)))))

        assert padded(5_000).status_code == 200
        assert_problem(padded(5_001), 413, "too_large", "picture")
        assert_problem(padded(10_000), 413, "too_large")
        overhead = len(httpx.Request("POST", "http://x", files=[("a", ("p", b"")), ("b", ("p", b""))]).read())
        pair = [("a", ("p", bytes(5_000))), ("b", ("p", bytes(5_000 - overhead)))]
        assert send(server, *pair).status_code == 422  # read to its end: exactly as long as the limit
        pair[0] = ("a", ("p", bytes(5_001)))
        assert_problem(send(server, *pair), 413, "too_large")
