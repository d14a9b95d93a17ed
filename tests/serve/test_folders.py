"""An input that is a folder: every picture under a prefix."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from model.request import MAX_FOLDER_FILES
from tests.conftest import Bucket
from tests.serve.test_invocations import assert_problem
from tests.server import Server


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
