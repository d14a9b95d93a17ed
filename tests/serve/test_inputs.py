"""Where pictures may come from, and what is refused before anything is decoded."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from serve.aws import AwsError
from serve.catalogue import Catalogue
from serve.errors import InputUnavailable, Invalid, Problem, TooLarge, UnsupportedMedia
from serve.fetch import Fetcher, check_picture
from serve.https import Https, Resolve, is_public
from serve.s3 import S3
from tests.conftest import MANY_PIXELS, Bucket, base64_of, encode
from tests.odd_pictures import bare_png
from tests.serve.test_invocations import assert_problem
from tests.server import ROOT, Server
from tests.site import Site

LIMIT = 2000


def fetcher(**changes: Any) -> Fetcher:
    defaults: dict[str, Any] = {
        "s3": S3(region=None, endpoint_url=None),
        "https": Https(),
        "garments": Catalogue(None, S3(region=None, endpoint_url=None), believed_s=1),
        "max_bytes": LIMIT,
        "max_pixels": 10_000,
        "allow_file_uris": False,
    }
    return Fetcher(**{**defaults, **changes})


def fetch(reference: str, folder: Path, **changes: Any) -> bytes:
    asyncio.run(fetcher(**changes).fetch_all({"person": reference}, folder))
    return (folder / "person").read_bytes()


def refused(reference: str, folder: Path, kind: type[Problem], code: str, **changes: Any) -> Problem:
    with pytest.raises(kind) as caught:
        fetch(reference, folder, **changes)
    assert (caught.value.code, caught.value.field) == (code, "person")
    return caught.value


def test_base64_comes_bare_or_as_a_data_uri(tmp_path: Path, png: bytes, picture: str) -> None:
    assert fetch(picture, tmp_path) == png
    assert fetch(f"data:image/png;base64,{picture}", tmp_path) == png


@pytest.mark.parametrize("reference", ["not base64!", "data:image/png,raw", "data:image/png;base64,@@@@"])
def test_what_is_no_base64_is_refused(tmp_path: Path, reference: str) -> None:
    refused(reference, tmp_path, Invalid, "bad_base64")


@pytest.mark.parametrize("reference", ["ftp://host/a.png", "http://host/a.png", "gopher://x"])
def test_other_schemes_are_refused(tmp_path: Path, reference: str) -> None:
    refused(reference, tmp_path, Invalid, "bad_url")


def padded(png: bytes, size: int) -> bytes:
    return png + bytes(size - len(png))


def test_a_picture_may_have_as_many_bytes_as_the_limit_and_no_more(tmp_path: Path, png: bytes) -> None:
    fetch(base64_of(padded(png, LIMIT)), tmp_path)
    for size in (LIMIT + 1, 10 * LIMIT):
        refused(base64_of(padded(png, size)), tmp_path, TooLarge, "too_large")


def test_files_are_read_only_where_that_is_allowed(tmp_path: Path, png: bytes) -> None:
    source = tmp_path / "a picture.png"
    source.write_bytes(png)
    refused(source.as_uri(), tmp_path, Invalid, "file_not_allowed")
    assert fetch(source.as_uri(), tmp_path, allow_file_uris=True) == png
    refused("file:///no/such/file", tmp_path, InputUnavailable, "input_unavailable", allow_file_uris=True)
    source.write_bytes(padded(png, LIMIT + 1))
    refused(source.as_uri(), tmp_path, TooLarge, "too_large", allow_file_uris=True)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_formats_we_read_pass_by_their_content_not_their_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "anything.txt"
    path.write_bytes(encode(Image.new("RGB", (8, 8)), kind))
    check_picture("person", path, max_pixels=64)


def test_what_phones_send_passes(tmp_path: Path) -> None:
    check_picture("person", ROOT / "tests" / "data" / "gradient.heic", max_pixels=64 * 48)
    with pytest.raises(TooLarge):
        check_picture("person", ROOT / "tests" / "data" / "gradient.heic", max_pixels=64 * 48 - 1)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%PDF-1.7", b"<svg/>", b"?"])
def test_what_does_not_begin_like_a_picture_is_unsupported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnsupportedMedia):
        check_picture("person", path, max_pixels=64)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GIF89a\1\0\1\0", "is a GIF; send a JPEG, PNG, WebP or HEIC"),
        (b"\xef\xbb\xbf <!DOCTYPE html><html>", "is a web page;"),
        (b"", "is empty;"),
        (b"\0\0\0\x18ftypavif", "is an AVIF;"),
        (b"MM\0*", "is a TIFF or a raw photo;"),
        (b"what", "is no picture;"),
        (b"\n\xff\xd8\xff\xe0", "is a picture with something before it"),
        (b"\xef\xbb\xbf\x89PNG\r\n\x1a\n", "is a picture with something before it"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI\x50\0\x20\2", "is a PNG packed for iPhone apps"),
        (b"iVBORw0KGgoAAAANSUhEUgAA", "is base64 where the picture itself should be"),
        (b"data:image/png;base64,iVBOR", "is a data: URI where"),
    ],
)
def test_what_else_a_file_is_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UnsupportedMedia, match=f"'person' {said}"):
        check_picture("person", tmp_path / "file", max_pixels=64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIC"])
def test_a_picture_that_ends_in_its_head_is_unreadable(tmp_path: Path, kind: str) -> None:
    heic = (ROOT / "tests/data/gradient.heic").read_bytes()
    (tmp_path / "file").write_bytes((heic if kind == "HEIC" else encode(Image.new("RGB", (8, 8)), kind))[:20])
    with pytest.raises(Invalid, match="ends early or is damaged") as caught:
        check_picture("person", tmp_path / "file", max_pixels=64)
    assert caught.value.code == "image_unreadable"


def test_all_pictures_of_a_body_that_do_not_pass_are_said_at_once(tmp_path: Path, picture: str) -> None:
    references = {"person": "???", "garment": base64_of(b"GIF89a"), "mask": picture}
    with pytest.raises(Problem) as caught:
        asyncio.run(fetcher().fetch_all(references, tmp_path))
    assert caught.value.field == "person"
    assert caught.value.detail == (
        "'person' is neither a URI nor base64: there is '?' at character 1; "
        "'garment' is a GIF; send a JPEG, PNG, WebP or HEIC"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/home/me/photo.jpg", "looks like the name of a file ('/home/me/photo.jpg')"),
        ("C:\\photos\\me.PNG", "looks like the name of a file"),
        ("//example.com/a.png", "begin it with https://"),
        ("www.example.com/a.webp", "begin it with https://"),
        ("b'iVBORw0'", 'there is "\'" at character 2'),
        ("gs://bucket/key", "unknown scheme 'gs': send it as https://, s3://, data: or base64"),
        ("s3:/bucket/key", "must name its object as s3://bucket/key"),
    ],
)
def test_what_a_text_seems_to_be_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        asyncio.run(fetcher().fetch_all({"person": text}, tmp_path))
    assert said in caught.value.detail


def test_a_picture_of_no_pixels_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bare_png(0, 9, 8, 0, []))
    with pytest.raises(Invalid, match="'person' has no pixels"):
        check_picture("person", tmp_path / "file", max_pixels=64)


def test_a_picture_may_have_as_many_pixels_as_the_limit_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(encode(Image.new("1", (300, 200))))
    check_picture("person", path, max_pixels=60_000)
    with pytest.raises(TooLarge, match="300 x 200"):
        check_picture("person", path, max_pixels=59_999)


def test_workers_open_pictures_of_as_many_pixels_as_the_limit(server: Server, png: bytes) -> None:
    size = (14_000, 14_000)
    assert MANY_PIXELS > size[0] * size[1] > 2 * 89_478_485  # Pillow's own limit
    begun = png[:16] + struct.pack(">II", *size) + png[24:29]
    begun += struct.pack(">I", zlib.crc32(begun[12:])) + png[33:]
    problem = assert_problem(
        server.invoke({"person": base64_of(begun), "garment": base64_of(png)}), 422, "image_unreadable", "person"
    )
    assert "DecompressionBomb" not in problem["detail"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("fd00::1", False),
    ],
)
def test_only_public_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_https_reaches_the_named_host_and_checks_its_certificate(tmp_path: Path, site: Site, png: bytes) -> None:
    assert fetch(f"{site.url}/picture", tmp_path, https=site.client()) == png
    assert site.hosts[-1] == f"localhost:{site.server.server_port}"
    untrusting = Https(allowed_hosts=["localhost"])
    refused(f"{site.url}/picture", tmp_path, InputUnavailable, "input_unavailable", https=untrusting)


def test_https_goes_to_no_private_address_unless_its_host_is_allowed(tmp_path: Path, site: Site) -> None:
    refused(f"{site.url}/picture", tmp_path, Invalid, "host_not_allowed", https=Https(verify=site.trusting))
    refused(f"{site.url}/away", tmp_path, Invalid, "host_not_allowed", https=site.client())


def test_https_follows_three_redirects_and_no_more(tmp_path: Path, site: Site, png: bytes) -> None:
    assert fetch(f"{site.url}/redirect/3", tmp_path, https=site.client()) == png
    refused(f"{site.url}/redirect/4", tmp_path, InputUnavailable, "input_unavailable", https=site.client())


def test_https_that_is_too_large_or_absent_is_a_clear_problem(tmp_path: Path, site: Site) -> None:
    site.bodies["/large"] = lambda to: to.write(bytes(LIMIT + 1))
    refused(f"{site.url}/large", tmp_path, TooLarge, "too_large", https=site.client())
    problem = refused(f"{site.url}/none", tmp_path, InputUnavailable, "input_unavailable", https=site.client())
    assert ("404" in problem.detail, problem.retryable) == (True, False)
    problem = refused(f"{site.url}/broken", tmp_path, InputUnavailable, "input_unavailable", https=site.client())
    assert ("503" in problem.detail, problem.retryable) == (True, True)
    problem = refused("https://localhost:1/", tmp_path, InputUnavailable, "input_unavailable", https=site.client())
    assert problem.retryable
    refused("https://user:pw@localhost/", tmp_path, Invalid, "bad_url", https=site.client())
    refused("https://", tmp_path, Invalid, "bad_url", https=site.client())


def test_s3_inputs_are_fetched_and_their_failures_named(s3_server: Server, bucket: Bucket, png: bytes) -> None:
    uri = bucket.put("inputs/person.png", png)
    answer = s3_server.probe(picture=uri, output={"inline": True}).json()
    assert hashlib.sha256(png).hexdigest() in base64.b64decode(answer["outputs"][0]["data"]).decode()
    problem = assert_problem(s3_server.probe(picture=f"{uri}x"), 424, "input_unavailable", "picture")
    assert "NoSuchKey" in problem["detail"]


def test_s3_inputs_may_be_confined_to_prefixes(tmp_path: Path) -> None:
    refused("s3://other/a.png", tmp_path, Invalid, "input_not_allowed", input_allow=("s3://ours/",))


def test_the_service_refuses_with_the_right_status(server: Server, tmp_path: Path, png: bytes) -> None:
    assert_problem(server.probe(picture="data:,x"), 422, "bad_base64", "picture")
    assert_problem(server.probe(picture=base64_of(b"GIF89a")), 415, "unsupported_picture", "picture")
    (tmp_path / "a.png").write_bytes(png)
    assert server.probe(picture=(tmp_path / "a.png").as_uri()).status_code == 200
    assert_problem(server.probe(picture="file:///nowhere"), 424, "input_unavailable", "picture")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {"quality": 50}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0II*\0"}),
    ],
)
def test_a_pictures_size_is_known_from_its_header(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(encode(Image.linear_gradient("L").convert("RGB").resize((301, 77)), kind, **options)[:1000])
    check_picture("person", path, max_pixels=301 * 77)
    with pytest.raises(TooLarge, match="301 x 77"):
        check_picture("person", path, max_pixels=301 * 77 - 1)


@pytest.mark.parametrize("uri", ["s3://results", "s3://results/", "s3:///key", "s3://results/folder/", "S3://results"])
def test_an_s3_address_without_bucket_or_key_is_a_bad_url(s3_server: Server, uri: str) -> None:
    assert_problem(s3_server.probe(picture=uri), 422, "bad_url", "picture")


def test_an_archived_object_is_not_to_be_asked_for_again(s3_server: Server, bucket: Bucket, png: bytes) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key="archived.png", Body=png, StorageClass="GLACIER")
    problem = assert_problem(s3_server.probe(picture="s3://results/archived.png"), 424, "input_unavailable", "picture")
    assert (problem["retryable"], "GLACIER" in problem["detail"]) == (False, True)


@pytest.mark.parametrize(
    ("code", "status", "passing"),
    [
        ("InvalidObjectState", 403, False),
        ("InvalidBucketName", 400, False),
        ("SignatureDoesNotMatch", 403, False),
        ("SlowDown", 503, True),
        ("InternalError", 500, True),
        ("ExpiredToken", 400, True),
        ("ReadTimeoutError", 0, True),
        ("NoCredentialsError", 0, False),
    ],
)
def test_refusals_of_s3_last_and_its_troubles_pass(code: str, status: int, passing: bool) -> None:
    assert AwsError(code, status).passing is passing


def resolving(*addresses: str) -> Resolve:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


def test_the_next_address_is_tried_when_the_first_is_dead(tmp_path: Path, site: Site, png: bytes) -> None:
    assert fetch(f"{site.url}/picture", tmp_path, https=site.client(resolve=resolving("::1", "127.0.0.1"))) == png
    for others in (("127.0.0.2",), ("127.0.0.2", "::1", "127.0.0.3")):
        several = site.client(resolve=resolving(*others, "127.0.0.1"))
        assert fetch(f"{site.url}/picture", tmp_path, https=several) == png
    dead = site.client(resolve=resolving("127.0.0.2", "::1"))
    problem = refused(f"{site.url}/picture", tmp_path, InputUnavailable, "input_unavailable", https=dead)
    assert problem.retryable


@pytest.mark.parametrize(("number", "passing"), [(socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)])
def test_a_host_without_an_address_is_said_so(tmp_path: Path, number: int, passing: bool) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(number, "no such host")

    https = Https(resolve=resolve)
    problem = refused("https://nowhere.example/a.png", tmp_path, InputUnavailable, "input_unavailable", https=https)
    assert "has no address" in problem.detail
    assert problem.retryable is passing
