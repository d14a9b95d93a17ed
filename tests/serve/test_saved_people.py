"""`saved:NAME`: photos of people that the operator keeps, for those fields that show people, and off by default."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from model.samples.samples import small_sample
from serve.errors import InputUnavailable, Invalid, Problem
from serve.s3 import S3
from serve.saved_people import SavedPeople
from tests.conftest import KEYS, Bucket, base64_of
from tests.serve.test_invocations import assert_problem
from tests.server import Server

PERSON, GARMENT = (small_sample()[name] for name in ("person", "garment"))


@pytest.fixture
def place(tmp_path: Path, png: bytes) -> Path:
    place = tmp_path / "our people"
    place.mkdir()
    (place / "anna.smith.png").write_bytes(png)
    (tmp_path / "secret.png").write_bytes(png)
    return place


def bring(people: SavedPeople, reference: str, to: Path, field: str = "person", max_bytes: int = 10**6) -> bool:
    return asyncio.run(people.bring(field, reference, to, max_bytes))


def kept_in(place: Path | None) -> SavedPeople:
    return SavedPeople(f"{place.as_uri()}/" if place else None, S3(region=None, endpoint_url=None))


@pytest.mark.parametrize("field", ["person", "photos.3"])
def test_a_saved_photo_is_taken_as_it_lies_there(place: Path, tmp_path: Path, png: bytes, field: str) -> None:
    assert bring(kept_in(place), "saved:anna.smith", tmp_path / "photo", field)
    assert (tmp_path / "photo").read_bytes() == png


@pytest.mark.parametrize(("max_bytes", "taken"), [(0, True), (-1, False)])
def test_it_may_be_as_large_as_other_pictures(
    place: Path, tmp_path: Path, png: bytes, max_bytes: int, taken: bool
) -> None:
    assert bring(kept_in(place), "saved:anna.smith", tmp_path / "photo", max_bytes=len(png) + max_bytes) is taken


@pytest.mark.parametrize(
    ("reference", "field", "kind"),
    [
        ("saved:nobody", "person", InputUnavailable),
        ("saved:../secret", "person", Invalid),
        ("saved:%2e%2e/secret", "person", Invalid),
        ("saved:.hidden", "person", Invalid),
        ("saved:", "person", Invalid),
        ("saved:anna.smith", "garment", Invalid),
        ("saved:anna.smith", "layers.0.garment", Invalid),
    ],
)
def test_nothing_else_can_be_named(
    place: Path, tmp_path: Path, reference: str, field: str, kind: type[Problem]
) -> None:
    with pytest.raises(kind) as refused:
        bring(kept_in(place), reference, tmp_path / "photo", field)
    assert refused.value.field == field
    assert not (tmp_path / "photo").exists()


def test_they_may_lie_in_s3(bucket: Bucket, tmp_path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    bucket.put("people/kim.webp", png)
    s3 = S3(region="us-east-1", endpoint_url=bucket.url)
    people = SavedPeople(f"s3://{bucket.name}/people/", s3)
    assert bring(people, "saved:kim", tmp_path / "photo")
    assert (tmp_path / "photo").read_bytes() == png
    with pytest.raises(InputUnavailable):
        bring(people, "saved:lee", tmp_path / "photo")


def test_a_request_names_somebody(everybody: Server) -> None:
    body: dict[str, Any] = {"type": "tryon", "garment": base64_of(GARMENT.read_bytes()), "seed": 3}
    named = everybody.invoke(body | {"person": f"saved:{PERSON.stem}"})
    sent = everybody.invoke(body | {"person": base64_of(PERSON.read_bytes())})
    assert named.status_code == 200, named.text
    assert named.json()["outputs"] == sent.json()["outputs"]
    assert_problem(everybody.invoke(body | {"person": "Saved:nobody"}), 424, "input_unavailable", "person")


def test_by_default_nobody_is_kept(server: Server) -> None:
    body = {"type": "tryon", "garment": base64_of(GARMENT.read_bytes()), "person": "saved:anna"}
    assert_problem(server.invoke(body), 422, "no_saved_people", "person")
