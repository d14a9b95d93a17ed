"""Several containers on one storage: an id is answered once, and no result is a mixture of two."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.answers import Answer, OutputFile, StoredOutput, UsedModel
from serve.live_job import LiveJob
from serve.marks import Result
from serve.results import Results
from serve.s3 import S3
from serve.spool import JobDirectory
from serve.store import Store
from tests.conftest import Bucket
from tests.probe.request import Request
from tests.serve.test_invocations import assert_problem
from tests.serve.test_jobs import metric
from tests.server import Server, eventually, serving


@pytest.fixture(scope="module")
def other(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another container on the storage of `s3_server`."""
    with serving(tmp_path_factory.mktemp("other"), **bucket.settings) as running:
        yield running


def test_another_container_finds_the_stored_answer(s3_server: Server, other: Server) -> None:
    first = s3_server.probe(id="shared-id", seed=5).json()
    assert_problem(other.probe(id="shared-id", seed=6), 409, "id_in_use", "id")
    assert other.probe(id="shared-id", seed=5).json() == first
    assert_problem(other.probe(id="shared-id", seed=6), 409, "id_in_use", "id")


def computed(server: Server) -> float:
    return metric(server, 'atelier_jobs_total{engine="probe",code="done"}')


def at_once(servers: Sequence[Server], gate: Path, *bodies: dict[str, Any]) -> list[httpx.Response]:
    """Their answers to a body each, while all of them compute."""
    with ThreadPoolExecutor(len(servers)) as pool:
        asked = [
            pool.submit(server.probe, unforeseen_s=[-1], gate=str(gate), **body)
            for server, body in zip(servers, bodies, strict=True)
        ]
        eventually(lambda: all(metric(server, "atelier_jobs_live") == 1 for server in servers))
        gate.touch()
        return [one.result() for one in asked]


def test_an_id_that_two_containers_compute_at_once_is_answered_once(
    s3_server: Server, other: Server, bucket: Bucket, tmp_path: Path
) -> None:
    servers = [s3_server, other]
    first, second = at_once(servers, tmp_path / "open", {"id": "both"}, {"id": "both"})
    assert first.status_code == 200
    assert first.json() == second.json()  # also the seed, which each has drawn for itself
    assert bucket.keys("out/both/") == ["out/both/manifest.json", "out/both/result.txt"]
    stored = bucket.read(first.json()["outputs"][0]["uri"])
    assert hashlib.sha256(stored).hexdigest() == first.json()["outputs"][0]["sha256"]
    before = [computed(server) for server in servers]
    again = [server.probe(unforeseen_s=[-1], gate=str(tmp_path / "open"), id="both").json() for server in servers]
    assert again == [first.json()] * 2
    assert [computed(server) for server in servers] == before


def test_an_id_that_two_containers_compute_for_two_requests_is_one_of_theirs(
    s3_server: Server, other: Server, tmp_path: Path
) -> None:
    bodies = [{"id": "whose", "seed": 1}, {"id": "whose", "seed": 2}]
    answers = at_once([s3_server, other], tmp_path / "open", *bodies)
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def result_of(folder: Path, prefix: str, content: bytes) -> tuple[LiveJob, Result, Answer]:
    """What a worker has left of a job with two files, and the answer so far."""
    directory = JobDirectory(folder)
    directory.outputs.mkdir(parents=True)
    files = []
    for name in ("a.txt", "b.txt"):
        (directory.outputs / name).write_bytes(content + name.encode())
        files.append(OutputFile(name=name, content_type="text/plain", bytes=len(content) + 5, sha256="0" * 64))
    request = Request.model_validate({"type": "probe", "engine": "probe"})
    job = LiveJob(folder.name, "a digest", directory, request, prefix, kept=True)
    answer = Answer.model_construct(
        id=job.id,
        type="probe",
        engine="probe",
        state="done",
        seed=1,
        settings={},
        outputs=[],
        warnings=[],
        timings={},
        model=UsedModel(engine="probe", fingerprint="0", licence="MIT"),
    )
    return job, Result(outputs=files, warnings=[], timings={}), answer


def contents(folder: Path, job: str) -> list[bytes]:
    return [(folder / job / name).read_bytes() for name in ("a.txt", "b.txt")]


@pytest.mark.parametrize("left_over", [["a.txt"], ["b.txt"], ["a.txt", "b.txt"]], ids="+".join)
def test_what_a_container_left_that_died_is_replaced(
    left_over: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.results._OTHERS_PAUSE_S", 0.001)
    prefix, folder = f"{(tmp_path / 'out').as_uri()}/", tmp_path / "out"
    (folder / "job").mkdir(parents=True)
    for name in left_over:
        (folder / "job" / name).write_bytes(b"of a dead one")
    store = Store(s3=S3(region=None, endpoint_url=None), default_prefix=prefix, allow=())
    results = Results(store=store, max_inline_bytes=0)
    job, result, answer = result_of(tmp_path / "job", prefix, b"mine: ")
    given = asyncio.run(results.deliver(job, result, answer))
    assert [output.name for output in given.outputs if isinstance(output, StoredOutput)] == ["a.txt", "b.txt"]
    assert contents(folder, "job") == [b"mine: a.txt", b"mine: b.txt"]
    asyncio.run(results.deliver(job, result, answer))  # once more, as after a restart
    assert {path.name for path in (folder / "job").iterdir()} == {"a.txt", "b.txt", "manifest.json"}
