"""Whatever name or address is sent, nothing outside the allowed folders is written, and nothing there is read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
import pytest

from serve.addresses import path_of
from tests.fuzz import valid_tryon
from tests.probe.watch import VARIABLE, touched
from tests.server import ROOT, Server, serving

REFUSED = range(400, 500)
CLIMBING = (
    "../{}",
    "../../{}",
    "..%2f{}",
    "%2e%2e/{}",
    "%2e%2e%2f{}",
    "..%252f{}",
    "..\\{}",
    "....//{}",
    "/{}",
    "\x00{}",
)
PASSWD = Path("/etc/passwd")


@dataclass
class Fenced:
    """A server, the folders it may write to, and a picture beside them that is nobody's business."""

    server: Server
    folder: Path
    canary: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def touched(self) -> tuple[set[Path], set[Path]]:
        return touched(self.folder / "files.log")


@pytest.fixture(scope="module", params=["files refused", "files of one folder allowed"])
def fenced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, png: bytes) -> Iterator[Fenced]:
    folder = tmp_path_factory.mktemp("fenced")
    for name in ("temp", "results", "pictures"):
        (folder / name).mkdir()
    canary = folder / "canary"
    canary.write_bytes(png)
    (folder / "pictures" / "ours.png").write_bytes(png)
    settings = {
        "ENGINES": "",
        "OUTPUT_PREFIX": f"{(folder / 'results').as_uri()}/",
        "ALLOW_FILE_URIS": int(request.param == "files of one folder allowed"),
        "INPUT_ALLOW": f"{(folder / 'pictures').as_uri()}/",
        "TMPDIR": folder / "temp",
        "TORCHINDUCTOR_CACHE_DIR": folder / "temp",  # torch leaves it in the environment of who has imported it
        "PYTHONDONTWRITEBYTECODE": 1,
        VARIABLE: folder / "files.log",
    }
    with serving(folder, **settings) as server:
        yield Fenced(server, folder, canary)


@pytest.fixture(autouse=True)
def _nothing_but_the_allowed_folders_is_touched(fenced: Fenced) -> Iterator[None]:
    """The proof, after each test of this file: what the interpreters of front and worker opened and changed."""
    yield
    read, written = fenced.touched()
    allowed = (fenced.server.spool, fenced.results, fenced.folder / "temp", Path(os.devnull))
    assert [path for path in written if not path.is_relative_to(allowed[0]) and not under(path, allowed[1:])] == []
    assert not {fenced.canary, PASSWD, Path("/etc/shadow")} & (read | written)
    code = (ROOT, Path(sys.prefix), Path(sys.base_prefix))
    pictures = {path for path in read if path.is_relative_to(fenced.folder) and not under(path, (*allowed, *code))}
    assert pictures <= {fenced.folder / "pictures" / "ours.png"}


def under(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def refused(response: httpx.Response) -> None:
    assert response.status_code in REFUSED, (response.status_code, response.text[:300])
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


def test_the_watch_sees_what_is_touched(fenced: Fenced) -> None:
    assert fenced.server.probe(id="seen", picture=valid_tryon()["person"]).status_code == 200
    read, written = fenced.touched()
    assert fenced.results / "seen" / "manifest.json" in written  # by the front
    names = {path.name for path in read if path.is_relative_to(fenced.server.spool)}
    assert "picture" in names  # by the worker
    assert any(path.name == "result.txt" and path.is_relative_to(fenced.server.spool) for path in written)


@pytest.mark.parametrize("pattern", CLIMBING)
def test_a_climbing_name_leads_nowhere(fenced: Fenced, pattern: str) -> None:
    """An id may be anything that SageMaker allows: as a folder's name it is hashed."""
    name = pattern.format("canary")
    leads_nowhere(fenced, fenced.server.probe(id=name), name)
    named = {"userId": "17", "timestamp": "1"}
    for field in named:
        refused(fenced.server.invoke(valid_tryon() | named | {field: name}))
    if name.isprintable():  # others are no header
        header = {"X-Amzn-SageMaker-Inference-Id": name}
        leads_nowhere(fenced, fenced.server.client.post("/invocations", json={"type": "probe"}, headers=header), name)


def leads_nowhere(fenced: Fenced, response: httpx.Response, name: str) -> None:
    """Refused, or answered under its own id, with its results in a folder beside the others."""
    if response.status_code != 200:
        refused(response)
        return
    answer = response.json()
    assert answer["id"] == name
    for output in answer["outputs"]:
        file = Path(unquote(urlsplit(output["uri"]).path))
        assert file == file.resolve()
        assert file.parent.parent == fenced.results


@pytest.mark.parametrize(
    "pattern", [*CLIMBING, ".\n./.\t./{}", "a/../../{}", "?/../../{}", "a%2f..%2f..%2f{}", "%00{}"]
)
def test_a_prefix_never_leads_out_of_the_results(fenced: Fenced, pattern: str) -> None:
    prefix = f"{fenced.results.as_uri()}/{pattern.format('canary')}/"
    response = fenced.server.probe(output={"prefix": prefix}, deadline_s=5)
    if response.status_code != 200:  # some are odd names of folders inside
        refused(response)


@pytest.mark.parametrize("name", ["#", "?", "#a", "?a/b", "a b", "%23", "é"])
def test_a_folder_of_the_results_may_have_any_name(fenced: Fenced, name: str) -> None:
    answer = fenced.server.probe(output={"prefix": f"{fenced.results.as_uri()}/odd/{name}/"}).json()
    assert list((fenced.results / "odd").rglob(f"{answer['id']}/manifest.json"))


@pytest.mark.parametrize("name", ["long" * 100, "seen/result.txt"])
def test_a_prefix_that_can_be_no_folder_is_refused_and_not_tried_for_ever(fenced: Fenced, name: str) -> None:
    fenced.server.probe(id="seen", seed=1, picture=valid_tryon()["person"])
    response = fenced.server.probe(output={"prefix": f"{fenced.results.as_uri()}/{name}/"}, deadline_s=5)
    assert (response.status_code, response.json()["code"]) == (422, "output_not_allowed")


def test_an_address_of_a_file_outside_is_refused(fenced: Fenced) -> None:
    inside = f"{(fenced.folder / 'pictures').as_uri()}/"
    outside = [PASSWD.as_uri(), fenced.canary.as_uri(), fenced.results.as_uri(), "file:etc/passwd", "file:/etc/passwd"]
    outside += [f"file://localhost{PASSWD}", f"file://{PASSWD}?x", f"FILE://{PASSWD}", f"file:////{PASSWD}"]
    outside += [inside + pattern.format("canary") for pattern in (*CLIMBING, ".\n./{}", ".\t%2e/{}", "x/../../{}")]
    for address in outside:
        refused(fenced.server.probe(picture=address))
        refused(fenced.server.invoke(valid_tryon() | {"garment": address}))
        refused(fenced.server.client.post("/invocations", files=form(type="probe", picture=address)))


def test_a_file_of_the_allowed_folder_is_read_only_where_files_are_allowed(fenced: Fenced) -> None:
    response = fenced.server.probe(picture=(fenced.folder / "pictures" / "ours.png").as_uri())
    if "allowed" in os.environ["PYTEST_CURRENT_TEST"].split("[")[-1]:
        assert response.status_code == 200, response.text
    else:
        assert response.json()["code"] == "file_not_allowed"


def form(**fields: str) -> list[tuple[str, Any]]:
    return [(name, (None, value)) for name, value in fields.items()]


@pytest.mark.parametrize("pattern", CLIMBING)
def test_the_names_of_parts_and_files_name_no_paths(fenced: Fenced, pattern: str, png: bytes) -> None:
    name, post = pattern.format("canary"), fenced.server.client.post
    refused(post("/invocations", files=[*form(type="probe"), (name, ("p", png))]))
    refused(post("/invocations", files=[*form(type="probe"), (f"picture.{name}", ("p", png))]))
    large = png + bytes(2 * 2**20)  # spooled to a temporary file
    assert post("/invocations", files=[*form(type="probe"), ("picture", (name, large))]).status_code == 200


@pytest.mark.parametrize("pattern", [*CLIMBING, "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e"])
@pytest.mark.parametrize("route", ["/api/jobs/", "/docs/static/"])
def test_a_climbing_url_finds_nothing(fenced: Fenced, route: str, pattern: str) -> None:
    target = route + pattern.format("nobody").replace("\x00", "%00").replace("\\", "%5c")
    for method in ("GET", "DELETE"):
        status = raw_status(fenced.server, method, target)
        assert status in REFUSED, (method, target, status)
    assert fenced.canary.exists()


def raw_status(server: Server, method: str, target: str) -> int:
    """As it stands: a client would have resolved the dots."""
    url = httpx.URL(server.url).copy_with(raw_path=target.encode())
    return server.client.send(httpx.Request(method, url)).status_code


@pytest.mark.parametrize("name", [b"m\xc3\xafra.png", b"\xff.png", b"a%20b.png"])
def test_an_address_says_a_files_bytes_whatever_the_locale(name: bytes) -> None:
    assert os.fsencode(path_of("file:///photos/" + quote(name))) == b"/photos/" + name
