"""The OpenAPI document says what the service does: Schemathesis asks every route and compares."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from serve.operations import OPERATIONS
from tests.npm import installed
from tests.serve.test_token import guarded as guarded
from tests.server import ROOT, Server

TYPES = ROOT / "clients/typescript/atelier.ts"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Without the probe: nobody but a test would ask for it."""
    server = Server(tmp_path_factory.mktemp("plain"), module="container", ENGINES="")
    try:
        yield server.wait_ready()
    finally:
        server.close()


def test_every_route_describes_its_answers(plain: Server) -> None:
    paths = plain.client.get("/openapi.json").json()["paths"]
    assert {(method, path) for path, methods in paths.items() for method in methods} == OPERATIONS.keys()


@pytest.fixture(scope="module")
def document(plain: Server) -> dict[str, Any]:
    document: dict[str, Any] = plain.client.get("/openapi.json").json()
    return document


def test_typescripts_types_are_those_of_the_document(document: dict[str, Any], tmp_path: Path) -> None:
    """`TYPES=1` writes them anew."""
    packages = installed(ROOT / "tests/clients")
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    command = [f"{packages}/.bin/openapi-typescript", "openapi.json", "--output", "atelier.ts"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=600)
    made = (tmp_path / "atelier.ts").read_text()
    if os.environ.get("TYPES"):
        TYPES.write_text(made)
    assert TYPES.read_text() == made, (
        "make them anew: TYPES=1 python -m pytest tests/serve/test_openapi.py -k typescript"
    )


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def test_it_is_openapi_and_refers_to_nothing_that_is_not_in_it(document: dict[str, Any]) -> None:
    validate(document)
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert {"CatvtonRequest", "Answer", "ProblemDetails", "Form"} <= names <= document["components"]["schemas"].keys()


def test_it_has_the_version_of_the_project(document: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert document["info"]["version"] == project["version"]


def test_titles_and_operation_ids_are_distinct_and_short(document: dict[str, Any]) -> None:
    titles = [schema["title"] for schema in document["components"]["schemas"].values() if "title" in schema]
    assert len(set(titles)) == len(titles) > 10
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert {"invoke", "submit_job", "get_job", "delete_job", "stream_job_events", "get_models"} <= set(ids)


def test_requests_name_no_defaults_that_clients_would_send(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    request = schemas["CatvtonRequest"]
    assert request["required"] == ["person"]
    assert "`768`" in request["properties"]["width"]["description"]
    assert [name for name, field in request["properties"].items() if "default" in field] == []
    assert "required" not in schemas["Up2youRequest"]


def test_what_is_always_in_an_answer_is_required(document: dict[str, Any]) -> None:
    answer = document["components"]["schemas"]["Answer"]
    assert set(answer["required"]) == answer["properties"].keys() >= {"id", "outputs", "seed", "timings"}


def test_pictures_are_files_of_the_form(document: dict[str, Any]) -> None:
    parts = document["components"]["schemas"]["Form"]["properties"]
    kinds = {name: part.get("items", part).get("format") for name, part in parts.items()}
    files = {name for name, kind in kinds.items() if kind == "binary"}
    assert files >= {"person", "garment", "mask", "garments.upper", "garments.lower", "photos"}
    assert not files & {"garments", "output", "photos_prefix"}
    assert {"tryon", "avatar"} <= set(parts["type"]["enum"])
    assert parts["width"]["type"] == "integer"


def test_pictures_are_binary_answers(document: dict[str, Any]) -> None:
    content = document["paths"]["/invocations"]["post"]["responses"]["200"]["content"]
    for kind in ("image/png", "image/jpeg", "image/webp", "model/gltf-binary"):
        assert content[kind]["schema"] == {"type": "string", "format": "binary"}


def test_the_token_is_asked_for_where_the_service_asks_for_it(document: dict[str, Any], guarded: Server) -> None:
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert not any("security" in operation for operation in operations(document))
    for path, methods in guarded.client.get("/openapi.json").json()["paths"].items():
        for operation in methods.values():
            assert operation.get("security") == (None if path in ("/ping", "/livez") else [{"token": []}])


def test_schemathesis_finds_nothing_to_complain_about(plain: Server, tmp_path: Path) -> None:
    st = Path(sys.executable).with_name("st")
    options = ["--seed", "1", "--max-examples", "15", "--checks", ",".join(CHECKS), "--phases", "fuzzing"]
    options += ["--continue-on-failure", "--request-timeout", "600", "--no-color"]
    ran = subprocess.run(
        [st, "run", f"{plain.url}/openapi.json", *options], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr
    assert "Traceback" not in plain.log.read_text()
