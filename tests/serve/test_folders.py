"""An input that is a folder: every picture under a prefix."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from model.request import MAX_FOLDER_FILES
from tests.conftest import Bucket
from tests.serve.test_invocations import assert_problem
from tests.server import Server, eventually, serving


def result_of(server: Server, bucket: Bucket, prefix: str) -> str:
    response = server.probe(folder=prefix)
    assert response.status_code == 200, response.text
    return bucket.read(response.json()["outputs"][0]["uri"]).decode()


def test_every_picture_directly_under_the_prefix_is_an_input_in_the_order_of_its_name(
    s3_server: Server, bucket: Bucket, png: bytes
) -> None:
    other = png + b" "  # trailing bytes are no part of the picture
    for name, content in (("", b""), ("b.png", other), ("a.png", png), ("older/c.png", png)):
        bucket.put(f"album/{name}", content)
    first, second = hashlib.sha256(png).hexdigest(), hashlib.sha256(other).hexdigest()
    assert f"{{'folder.0': '{first}', 'folder.1': '{second}'}}" in result_of(s3_server, bucket, "s3://results/album/")


@pytest.mark.parametrize(
    ("prefix", "status", "code"),
    [
        ("s3://results/nothing/", 424, "input_unavailable"),
        ("s3://nowhere/nothing/", 424, "input_unavailable"),
        ("s3://results/album", 422, "bad_url"),
        ("https://example.com/album/", 422, "bad_url"),
        ("album/", 422, "bad_url"),
    ],
)
def test_a_folder_that_cannot_be_had_is_named(s3_server: Server, prefix: str, status: int, code: str) -> None:
    assert_problem(s3_server.probe(folder=prefix), status, code, "folder")


def test_what_is_no_picture_in_a_folder_is_named(s3_server: Server, bucket: Bucket, png: bytes) -> None:
    bucket.put("mixed/a.png", png)
    bucket.put("mixed/b.txt", b"not a picture")
    assert_problem(s3_server.probe(folder="s3://results/mixed/"), 415, "unsupported_picture", "folder.1")


def test_files_of_systems_and_tools_are_left_out_with_a_warning(s3_server: Server, bucket: Bucket, png: bytes) -> None:
    for name in (".DS_Store", "Thumbs.db", "_SUCCESS", "desktop.INI", "manifest.json"):
        bucket.put(f"stray/{name}", b"\0\0")
    alone = assert_problem(s3_server.probe(folder="s3://results/stray/"), 424, "input_unavailable", "folder")
    assert "no picture, but" in alone["detail"]
    bucket.put("stray/a", png)
    answer = s3_server.probe(folder="s3://results/stray/").json()
    [warning] = [warning for warning in answer["warnings"] if warning["code"] == "stray_files"]
    assert all(name in warning["message"] for name in (".DS_Store", "Thumbs.db", "_SUCCESS", "manifest.json"))
    assert "'folder.0'" in bucket.read(answer["outputs"][0]["uri"]).decode()
    assert "'folder.1'" not in bucket.read(answer["outputs"][0]["uri"]).decode()


def test_a_job_remembers_its_warnings_over_a_restart(tmp_path: Path, bucket: Bucket, png: bytes) -> None:
    for name, content in (("a.png", png), (".DS_Store", b"")):
        bucket.put(f"remembered/{name}", content)
    body = {"type": "probe", "id": "remembered", "folder": "s3://results/remembered/", "steps_s": [0.05] * 100}
    with serving(tmp_path, 180, **bucket.settings) as server:
        server.client.post("/api/jobs", json=body).raise_for_status()
        eventually(lambda: any((job / "ready").exists() for job in server.jobs()), within_s=180)
        bucket.client.delete_object(Bucket=bucket.name, Key="remembered/.DS_Store")
        server.kill()
        server.restart()
        eventually(lambda: server.client.get("/api/jobs/remembered").json()["answer"], within_s=180)
        warnings = server.client.get("/api/jobs/remembered").json()["answer"]["warnings"]
    assert "stray_files" in [warning["code"] for warning in warnings]


def test_a_folder_may_hold_as_many_pictures_as_the_limit_says(s3_server: Server, bucket: Bucket, png: bytes) -> None:
    for i in range(MAX_FOLDER_FILES):
        bucket.put(f"many/{i:02}.png", png)
    assert f"'folder.{MAX_FOLDER_FILES - 1}'" in result_of(s3_server, bucket, "s3://results/many/")
    bucket.put("many/more.png", png)
    assert_problem(s3_server.probe(folder="s3://results/many/"), 422, "too_many_inputs", "folder")


def test_parts_of_one_name_are_a_list(server: Server, png: bytes) -> None:
    parts: list[tuple[str, Any]] = [("type", (None, "probe")), ("pictures", ("a", png)), ("pictures", ("b", png))]
    response = server.client.post("/invocations", files=parts)
    assert response.status_code == 200, response.text
