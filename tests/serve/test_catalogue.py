"""The operator's garments: listed from a folder or from S3, named in requests, and shown."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from model.samples.samples import GARMENTS, SAMPLES
from serve.addresses_of_jobs import Addresses
from serve.catalogue import Catalogue
from serve.errors import InputUnavailable, NoSuchGarment
from serve.s3 import S3
from tests.conftest import Bucket


def catalogue_of(place: str | None, believed_s: float = 1e-9) -> Catalogue:
    return Catalogue(place, S3(region=None, endpoint_url=None), believed_s=believed_s)


@pytest.fixture
def folder(tmp_path: Path, png: bytes) -> Path:
    folder = tmp_path / "our garments"
    folder.mkdir()
    for name in ("zebra dress.PNG", "b_shirt.jpg", "plain.webp", ".hidden.png", "notes.txt"):
        (folder / name).write_bytes(png)
    (folder / "plain.json").write_text(json.dumps({"name": "Pleated", "category": "dress", "price": 3}))
    (folder / "orphan.json").write_text("{}")
    return folder


def listed(catalogue: Catalogue) -> list[tuple[str, str, str]]:
    return [(one.slug, one.name, one.category) for one in asyncio.run(catalogue.garments())]


def test_a_folders_pictures_are_its_garments_in_the_order_of_their_names(folder: Path) -> None:
    assert listed(catalogue_of(f"{folder.as_uri()}/")) == [
        ("b-shirt", "b shirt", "upper"),
        ("plain", "Pleated", "overall"),
        ("zebra-dress", "zebra dress", "overall"),
    ]


@pytest.mark.parametrize("content", ["{", "[]", '{"category": "hat"}', '{"slug": "../x"}', '{"name": ""}'])
def test_a_sidecar_that_says_nothing_sensible_is_not_read(folder: Path, content: str) -> None:
    (folder / "plain.json").write_text(content)
    assert ("plain", "plain", "upper") in listed(catalogue_of(f"{folder.as_uri()}/"))


def test_of_two_garments_that_want_one_slug_the_first_has_it(folder: Path) -> None:
    (folder / "plain.json").write_text('{"slug": "b-shirt"}')
    assert [name for slug, name, _ in listed(catalogue_of(f"{folder.as_uri()}/")) if slug == "b-shirt"] == ["b shirt"]


def test_a_list_is_believed_for_a_while(folder: Path, png: bytes) -> None:
    for believed_s, seen in ((3600, 3), (1e-9, 4)):
        catalogue = catalogue_of(f"{folder.as_uri()}/", believed_s)
        assert len(listed(catalogue)) == 3
        (folder / "new.png").write_bytes(png)
        assert len(listed(catalogue)) == seen
        (folder / "new.png").unlink()


def test_a_list_that_can_no_longer_be_read_is_believed_on(folder: Path) -> None:
    catalogue = catalogue_of(f"{folder.as_uri()}/")
    before = listed(catalogue)
    folder.rename(folder.with_name("moved"))
    assert listed(catalogue) == before
    with pytest.raises(InputUnavailable, match="cannot be read"):
        listed(catalogue_of(f"{folder.as_uri()}/"))


def test_without_a_place_there_are_no_garments() -> None:
    assert listed(catalogue_of(None)) == []


def test_a_picture_is_brought_by_its_slug_if_it_is_not_too_large(folder: Path, tmp_path: Path, png: bytes) -> None:
    catalogue, to = catalogue_of(f"{folder.as_uri()}/"), tmp_path / "garment"
    assert asyncio.run(catalogue.bring("plain", to, len(png)))
    assert to.read_bytes() == png
    assert not asyncio.run(catalogue.bring("plain", to, len(png) - 1))
    with pytest.raises(NoSuchGarment, match="'nothing'"):
        asyncio.run(catalogue.bring("nothing", to, 10**6))


def test_a_prefix_in_s3_is_a_catalogue_too(
    bucket: Bucket, tmp_path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.settings.items():
        monkeypatch.setenv(name, value)
    for name in ("jeans.png", "b.png", "deeper/c.png"):
        bucket.put(f"shop/{name}", png)
    bucket.put("shop/b.json", b'{"category": "lower", "slug": "bee"}')
    place, s3 = f"s3://{bucket.name}/shop/", S3(region="us-east-1", endpoint_url=bucket.url)
    catalogue = Catalogue(place, s3, believed_s=60)
    assert listed(catalogue) == [("bee", "b", "lower"), ("jeans", "jeans", "lower")]
    assert asyncio.run(catalogue.bring("bee", tmp_path / "bee", 10**6))
    assert (tmp_path / "bee").read_bytes() == png
    with pytest.raises(InputUnavailable, match="NoSuchBucket"):
        asyncio.run(Catalogue("s3://nobodys-bucket/", s3, believed_s=60).garments())


def test_a_request_takes_the_category_of_its_garment_unless_it_names_one(folder: Path) -> None:
    catalogue = catalogue_of(f"{folder.as_uri()}/")

    def completed(**fields: object) -> dict[str, object]:
        return asyncio.run(catalogue.completed(fields))

    assert completed(garment="catalogue:plain") == {"garment": "catalogue:plain", "category": "overall"}
    for named in ({"category": "upper"}, {"cloth_type": "upper"}, {"garment": "https://x/plain"}):
        assert completed(**{"garment": "catalogue:plain", **named}) == {"garment": "catalogue:plain", **named}
    layers = [{"garment": "catalogue:plain"}, {"garment": "s3://x/y"}, "?"]
    assert completed(layers=layers) == {"layers": [{**layers[0], "category": "overall"}, *layers[1:]]}  # type: ignore[dict-item]


def test_the_demo_has_its_twelve_garments() -> None:
    told = {slug: category for slug, _, category in listed(catalogue_of(f"{GARMENTS.as_uri()}/"))}
    assert told == {sample.garment.replace(" ", "-"): sample.category for sample in SAMPLES}
    assert len(told) == 12


def test_a_signed_address_of_a_picture_stays_for_a_while_and_is_let_in() -> None:
    addresses = Addresses(b"secret", 3600)
    path, _, query = addresses.of_catalogue("shirt/picture").partition("?")
    assert path == "/api/catalogue/shirt/picture"
    assert addresses.is_signed("GET", path, query)
    assert not addresses.is_signed("GET", "/api/catalogue/other/picture", query)
    assert int(query.split("&")[0].removeprefix("exp=")) > time.time() + 3600
    assert Addresses(None, 3600).of_catalogue("shirt/picture") == "/api/catalogue/shirt/picture"
