"""A disk for jobs that is too small: the job that does not fit fails alone, and what it left is erased."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import base64_of
from tests.serve.test_invocations import assert_problem
from tests.server import Server, eventually, serving

DISK = 3 * 2**20
TOO_LARGE_KB = 4000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("small")
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        with serving(folder, SPOOL_DIR=disk, SPOOL_MIN_FREE_BYTES=0, MAX_INLINE_BYTES=0, ALLOW_FILE_URIS=1) as server:
            server.spool = disk
            yield server
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture(autouse=True)
def _the_server_goes_on_and_keeps_nothing_but_answers(small: Server) -> Iterator[None]:
    front, workers = small.process.pid, small.workers()
    yield
    assert small.probe().status_code == 200
    assert (small.process.pid, small.workers()) == (front, workers)
    left = {path.name for path in small.spool.rglob("*") if path.is_file()}
    assert left <= {"lock", "answer.json"}
    assert "ASGI" not in small.log.read_text()
    assert "unexpected" not in small.log.read_text()


def assert_disk_full(response: Any) -> None:
    problem = assert_problem(response, 503, "disk_full")
    assert problem["retryable"]


def padded(png: bytes) -> bytes:
    return png + bytes(TOO_LARGE_KB * 1000)


@pytest.mark.parametrize("name", [{}, {"id": "outputs"}])
def test_outputs_that_do_not_fit_fail_their_job_alone(small: Server, name: dict[str, str]) -> None:
    assert_disk_full(small.probe(then="fill", kilobytes=TOO_LARGE_KB, **name))
    assert small.probe(then="fill", kilobytes=100, **name).status_code == 200  # retryable: it may have changed


@pytest.mark.parametrize("name", [{}, {"id": "inputs"}])
def test_inputs_that_do_not_fit_fail_their_job_alone(small: Server, png: bytes, name: dict[str, str]) -> None:
    assert_disk_full(small.probe(picture=base64_of(padded(png)), **name))
    assert small.probe(picture=base64_of(png), **name).status_code == 200


def test_a_file_that_does_not_fit_is_no_missing_file(small: Server, png: bytes, tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(padded(png))
    assert_disk_full(small.probe(picture=(tmp_path / "large.png").as_uri()))


def test_an_answer_that_does_not_fit_beside_its_pictures_takes_their_place(small: Server) -> None:
    response = small.probe(id="answer", then="fill", kilobytes=1500)  # and 2000 as base64
    assert response.status_code == 200
    assert small.probe(id="answer", then="fill", kilobytes=1500).json() == response.json()
    assert small.client.delete("/api/jobs/answer").status_code == 204


def test_a_job_handed_in_tells_later_that_it_did_not_fit(small: Server) -> None:
    url = small.client.post("/api/jobs", json={"type": "probe", "then": "fill", "kilobytes": TOO_LARGE_KB}).json()[
        "url"
    ]
    eventually(lambda: small.client.get(url).json()["state"] == "failed")
    assert small.client.get(url).json()["problem"]["code"] == "disk_full"


def test_answers_of_a_file_of_requests_that_do_not_fit_fail_their_lines_or_the_file(small: Server) -> None:
    line = b'{"type": "probe", "then": "fill", "kilobytes": 500}\n'
    response = small.client.post("/invocations", content=line * 6, headers={"Content-Type": "application/jsonlines"})
    if response.status_code != 200:  # no room for the answer of a job that had room
        assert_disk_full(response)
        return
    problems = [answer["problem"] for answer in map(json.loads, response.text.splitlines()) if "problem" in answer]
    assert {problem["code"] for problem in problems} == {"disk_full"}


def test_jobs_that_do_not_fit_together_leave_room_for_others(small: Server) -> None:
    for i in range(3):
        assert_disk_full(small.probe(id=f"again-{i}", then="fill", kilobytes=TOO_LARGE_KB))
