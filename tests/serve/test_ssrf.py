"""An https reference cannot send us where its author may not go, hold us up, or feed us more than allowed."""

from __future__ import annotations

import asyncio
import gzip
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from serve.errors import InputUnavailable, Invalid, Problem, TooLarge
from serve.https import Https, Resolve, is_public
from tests.serve.test_inputs import LIMIT, fetch, fetcher, refused
from tests.serve.test_invocations import assert_problem
from tests.server import serving
from tests.site import Site

NOBODYS = "192.88.99.1"  # public by the book, and used by nobody since RFC 7526

connected_to: list[str] = []  # every address a socket of this process was connected to


def _note_connections(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        connected_to.append(str(arguments[1][0]))


sys.addaudithook(_note_connections)


@pytest.fixture(autouse=True)
def _no_connections_yet() -> None:
    connected_to.clear()


def answering(*answers: list[str]) -> Resolve:
    """A name server that says something else each time."""
    remaining = iter(answers)

    async def resolve(host: str, port: int) -> list[str]:
        return next(remaining)

    return resolve


# -- addresses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",  # noqa: S104
        "169.254.169.254",
        "0xa9fea9fe",
        "localhost",
        "LOCALHOST",
        "127。0。0。1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ],
)
def test_a_private_address_is_refused_however_it_is_written(tmp_path: Path, host: str) -> None:
    refused(f"https://{host}/latest/meta-data/", tmp_path, Invalid, "host_not_allowed", https=Https())
    assert connected_to == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b::10.0.0.1", False),
        ("2002:808:808::1", False),  # 6to4 is dead; what still answers there is no picture server
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("::ffff:0:127.0.0.1", False),
        ("fec0::1", False),
        ("5f00::1", False),
        ("ff0e::1", False),
        ("fe80::1%eth0", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("198.18.0.1", False),
        ("192.0.0.192", False),
    ],
)
def test_an_address_inside_another_is_judged_by_where_it_leads(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("host", ["127.0.0.1.", "localhost.", "metadata.google.internal."])
def test_a_trailing_dot_changes_nothing(tmp_path: Path, host: str) -> None:
    https = Https(resolve=answering(["127.0.0.1"]))
    refused(f"https://{host}/", tmp_path, Invalid, "host_not_allowed", https=https)
    named = Https(allowed_hosts=["example.com"], resolve=answering([NOBODYS]))
    refused(f"https://{host}/", tmp_path, Invalid, "host_not_allowed", https=named)
    assert connected_to == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com@127.0.0.1/",
        "https://example.com:443@127.0.0.1/",
        "https://127.0.0.1\\@example.com/",
        "https://example.com%40@127.0.0.1/",
        "https://user:pw@example.com/",
        "https:127.0.0.1/",
        "https:///127.0.0.1/",
        "https://[::1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127.0.0.1\n/",
        "https://0177.0.0.1/",
        "https://a..b/",
        f"https://{'a' * 64}.com/",
        "https://localhost:99999999/",
    ],
)
def test_a_url_that_can_be_read_in_two_ways_is_refused(tmp_path: Path, url: str) -> None:
    refused(url, tmp_path, Invalid, "bad_url", https=Https())
    assert connected_to == []


def test_what_follows_the_authority_does_not_make_the_host(tmp_path: Path) -> None:
    for url in (
        "HTTPS://127.0.0.1/",
        "https://127.0.0.1#@example.com/",
        "https://127.0.0.1/@example.com",
        "https://127.0.0.1?@example.com",
    ):
        refused(url, tmp_path, Invalid, "host_not_allowed", https=Https())


# -- names ----------------------------------------------------------------------------------------------------


def test_one_private_address_among_public_ones_is_refused(tmp_path: Path) -> None:
    for found in ([NOBODYS, "10.0.0.1"], ["10.0.0.1", NOBODYS], ["2606:2800:220:1::1", "::ffff:10.0.0.1"]):
        https = Https(resolve=answering(found))
        refused("https://many.example/", tmp_path, Invalid, "host_not_allowed", https=https)
    assert connected_to == []


def test_what_was_checked_is_what_is_connected_to(tmp_path: Path, site: Site) -> None:
    rebinding = Https(resolve=answering([NOBODYS], ["127.0.0.1"]), verify=site.trusting, total_s=1)
    url = f"https://localhost:{site.server.server_port}/picture"
    seen = len(site.hosts)
    refused(url, tmp_path, InputUnavailable, "input_unavailable", https=rebinding)
    assert connected_to == [NOBODYS]
    refused(url, tmp_path, Invalid, "host_not_allowed", https=rebinding)  # asked anew, and checked anew
    assert connected_to == [NOBODYS]
    assert len(site.hosts) == seen


def test_an_allowed_host_is_asked_for_once_per_request(tmp_path: Path, site: Site, png: bytes) -> None:
    once = site.client(resolve=answering(["127.0.0.1"]))
    assert fetch(f"{site.url}/picture", tmp_path, https=once) == png
    assert connected_to == ["127.0.0.1"]


def test_another_name_for_the_same_address_must_have_its_own_certificate(tmp_path: Path, site: Site) -> None:
    https = site.client(allowed_hosts=["localhost", "other.example"], resolve=answering(["127.0.0.1"], ["127.0.0.1"]))
    fetching = fetcher(https=https)

    async def both() -> None:
        await fetching.fetch_all({"person": f"{site.url}/picture"}, tmp_path)
        other = site.url.replace("localhost", "other.example")
        await fetching.fetch_all({"person": f"{other}/picture"}, tmp_path)

    with pytest.raises(InputUnavailable):
        asyncio.run(both())
    assert connected_to == ["127.0.0.1", "127.0.0.1"]


# -- redirects ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("https://127.0.0.1/", "host_not_allowed"),
        ("https://2130706433/", "host_not_allowed"),
        ("//169.254.169.254/latest/", "host_not_allowed"),
        ("https://[::ffff:169.254.169.254]/", "host_not_allowed"),
        ("http://localhost/", "bad_url"),
        ("http://169.254.169.254/", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("ftp://localhost/", "bad_url"),
        ("data:image/png;base64,AAAA", "bad_url"),
        ("https://localhost@127.0.0.1/", "bad_url"),
    ],
)
def test_a_redirect_is_checked_like_a_reference(tmp_path: Path, site: Site, location: str, code: str) -> None:
    site.redirects["/elsewhere"] = location
    refused(f"{site.url}/elsewhere", tmp_path, Invalid, code, https=site.client())
    assert set(connected_to) <= {"127.0.0.1", "::1"}
    assert len(connected_to) <= 2  # localhost alone, by either of its addresses


def test_a_redirect_in_a_circle_ends(tmp_path: Path, site: Site) -> None:
    site.redirects["/round"] = "/round"
    refused(f"{site.url}/round", tmp_path, InputUnavailable, "input_unavailable", https=site.client())


@pytest.mark.parametrize("location", ["https://[::1", "https://localhost:x/", ""])
def test_a_redirect_that_is_no_url_leads_nowhere(tmp_path: Path, site: Site, location: str) -> None:
    site.redirects["/nonsense"] = location
    refused(f"{site.url}/nonsense", tmp_path, InputUnavailable, "input_unavailable", https=site.client())


# -- time and bytes -------------------------------------------------------------------------------------------


def drip(to: IO[bytes]) -> None:
    while True:
        to.write(b"x")
        time.sleep(0.05)


def endless(to: IO[bytes]) -> None:
    while True:
        to.write(bytes(1000))


def silence(to: IO[bytes]) -> None:
    to.write(b"x")
    time.sleep(600)


@pytest.fixture(scope="module")
def slow_site(site: Site) -> Iterator[Site]:
    slow = {"/drip": drip, "/endless": endless, "/silence": silence}
    site.bodies.update(slow)
    yield site
    for path in slow:
        del site.bodies[path]


def test_a_slow_drip_ends_with_the_total_time(tmp_path: Path, slow_site: Site) -> None:
    https = slow_site.client(total_s=0.5)
    url = f"{slow_site.url}/drip"
    assert refused(url, tmp_path, InputUnavailable, "input_unavailable", https=https).retryable


def test_silence_ends_before_the_total_time(tmp_path: Path, slow_site: Site) -> None:
    https = slow_site.client(silence_s=0.3)
    url = f"{slow_site.url}/silence"
    assert refused(url, tmp_path, InputUnavailable, "input_unavailable", https=https).retryable


def test_a_name_server_that_never_answers_ends_with_the_total_time(tmp_path: Path) -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    https = Https(total_s=0.3, resolve=never)
    refused("https://example.com/", tmp_path, InputUnavailable, "input_unavailable", https=https)


def test_an_endless_body_ends_at_the_limit_of_bytes(tmp_path: Path, slow_site: Site) -> None:
    refused(f"{slow_site.url}/endless", tmp_path, TooLarge, "too_large", https=slow_site.client())
    assert (tmp_path / "person").stat().st_size < 100 * LIMIT


def test_a_packed_body_is_not_unpacked(tmp_path: Path, site: Site) -> None:
    bomb = gzip.compress(bytes(10**6))
    assert len(bomb) < LIMIT
    site.bodies["/packed"] = lambda to: to.write(bomb)
    with pytest.raises(Problem, match="is packed with gzip"):
        fetch(f"{site.url}/packed", tmp_path, https=site.client())
    assert (tmp_path / "person").stat().st_size == len(bomb)


@contextmanager
def listening_in_silence() -> Iterator[int]:
    """A port that takes connections and says nothing, not even hello."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("setting", ["FETCH_S", "FETCH_SILENCE_S"])
def test_the_limits_of_time_are_the_operators(tmp_path: Path, setting: str) -> None:
    settings = {setting: 0.5, "ALLOWED_HOSTS": "localhost"}
    with serving(tmp_path, **settings) as server, listening_in_silence() as port:
        picture = f"https://localhost:{port}/picture"
        problem = assert_problem(server.probe(picture=picture), 424, "input_unavailable", "picture")
        assert "Timeout" in problem["detail"]
