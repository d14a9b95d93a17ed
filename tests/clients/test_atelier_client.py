"""`atelier-client`, sync and async, against a real server; its answers have what the service's have."""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from atelier_client import Answer, AsyncAtelier, Atelier, Job, Output, Problem, Progress, TakenJob, tryon
from atelier_client.calls import MOST_PAUSE_S, RETRIES, pause_s
from atelier_client.requests import as_json

from model.samples.samples import small_sample
from serve import answers
from tests.conftest import base64_of
from tests.serve.test_token import TOKEN
from tests.serve.test_token import guarded as guarded
from tests.server import ROOT, Server

SAMPLE = small_sample()
FIELDS: dict[str, Any] = {"mask": SAMPLE["mask"], "width": 96, "height": 128, "steps": 2, "seed": 7}
PNG = b"\x89PNG"


def test_it_dresses_somebody_and_saves_the_picture(server: Server, tmp_path: Path) -> None:
    with Atelier(server.url) as atelier:
        answer = atelier.tryon(SAMPLE["person"], SAMPLE["garment"].read_bytes(), **FIELDS)
        answer.outputs[0].save(tmp_path / "out.png")
        again = atelier.picture(tryon(SAMPLE["person"], SAMPLE["garment"], **FIELDS))
    assert (answer.seed, answer.engine, answer.outputs[0].content_type) == (7, "catvton", "image/png")
    assert (tmp_path / "out.png").read_bytes() == again
    assert again.startswith(PNG)


def test_a_job_is_handed_in_waited_for_and_erased(server: Server) -> None:
    told: list[Progress] = []
    with Atelier(server.url) as atelier:
        taken = atelier.submit(tryon(SAMPLE["person"], SAMPLE["garment"], **FIELDS))
        answer = atelier.wait(taken.id, told.append)
        job = atelier.job(taken.id)
        assert (job.state, job.answer, job.problem) == ("done", answer, None)
        assert atelier.file(taken.id, "result.png") == answer.outputs[0].content()
        assert set(job.urls) == {"result.png"}
        atelier.delete(taken.id)
        with pytest.raises(Problem, match="no_such_job") as gone:
            atelier.job(taken.id)
        with pytest.raises(Problem):
            atelier.wait(taken.id)
    assert (gone.value.status, gone.value.field) == (404, None)


def test_a_stream_ends_with_the_answer_or_the_problem(server: Server) -> None:
    with Atelier(server.url) as atelier:
        *progress, answer = atelier.stream(tryon(SAMPLE["person"], SAMPLE["garment"], **FIELDS))
        assert isinstance(answer, Answer)
        assert all(isinstance(one, Progress) for one in progress)
        with pytest.raises(Problem) as refused:
            list(atelier.stream(tryon(b"no picture", SAMPLE["garment"])))
    assert refused.value.field == "person"


def test_the_same_with_await(server: Server) -> None:
    async def all_of_it() -> tuple[Answer, Answer, Job, list[Progress | Answer]]:
        async with AsyncAtelier(server.url) as atelier:
            body = tryon(SAMPLE["person"], SAMPLE["garment"], **FIELDS)
            answer, taken = await asyncio.gather(atelier.invoke(body), atelier.submit(body))
            waited = await atelier.wait(taken.id)
            job = await atelier.job(taken.id)
            assert await atelier.file(taken.id, "result.png") == waited.outputs[0].content()
            await atelier.delete(taken.id)
            return answer, waited, job, [event async for event in atelier.stream(body)]

    answer, waited, job, events = asyncio.run(all_of_it())
    assert [one.sha256 for one in answer.outputs] == [one.sha256 for one in waited.outputs]
    assert job.answer == waited
    assert isinstance(events[-1], Answer)


def test_models_and_catalogue_are_told_to_who_has_the_token(guarded: Server) -> None:
    with Atelier(guarded.url, TOKEN) as atelier:
        assert "probe" in atelier.models()["models"]
        assert len(atelier.catalogue()) == 12
    with Atelier(guarded.url) as stranger, pytest.raises(Problem, match="401 unauthorized"):
        stranger.models()


def problem(**changes: Any) -> Problem:
    told = {"status": 429, "code": "overloaded", "detail": "too busy", "retryable": True, "retry_after_s": 3.0}
    return Problem(told | changes)


def test_it_comes_again_when_the_service_says_when() -> None:
    assert [pause_s(problem(), tried) for tried in range(RETRIES + 1)] == [3.0] * RETRIES + [None]
    assert pause_s(problem(retry_after_s=3600), 0) == MOST_PAUSE_S
    assert pause_s(problem(retry_after_s=None), 0) is None
    assert pause_s(problem(retryable=False), 0) is None


def test_files_anywhere_in_a_request_travel_in_it(tmp_path: Path, png: bytes) -> None:
    (tmp_path / "a.png").write_bytes(png)
    uri = f"data:application/octet-stream;base64,{base64_of(png)}"
    asked = {"layers": [{"garment": tmp_path / "a.png"}, {"garment": "catalogue:sun"}], "photos": (png,), "seed": 3}
    assert as_json(asked) == {
        "layers": [{"garment": uri}, {"garment": "catalogue:sun"}],
        "photos": [uri],
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Answer, [answers.Answer]),
        (Output, [answers.InlineOutput, answers.PresignedOutput]),
        (Progress, [answers.Progress]),
        (TakenJob, [answers.TakenJob]),
        (Job, [answers.JobStatus]),
    ],
)
def test_its_answers_have_the_members_that_the_services_have(ours: Any, theirs: list[Any]) -> None:
    assert {one.name for one in fields(ours)} == {name for kind in theirs for name in kind.model_fields}


def test_it_is_of_the_services_version_and_needs_httpx_alone() -> None:
    own, service = (
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"] for folder in ("clients/python", ".")
    )
    assert own["version"] == service["version"]
    assert [one.split(">")[0] for one in own["dependencies"]] == ["httpx"]
