"""What both clients have in common: each call of the service as a request to send and a way to read its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from atelier_client.answers import Answer, Job, Progress, TakenJob
from atelier_client.problems import Json, Problem, checked

T = TypeVar("T")

RETRIES = 2  # of what may be tried again: a request that fails three times will most likely fail again
MOST_PAUSE_S = 60.0  # between tries, whatever the service asks for
EVENTS = {"Accept": "application/x-ndjson"}
JOBS = "/api/jobs"
TIMEOUT = httpx.Timeout(
    10, read=600
)  # seconds to connect, and between two pieces of an answer: a CPU's avatar takes minutes


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, and how its response is read."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """Of httpx's `request`."""
        return {"method": self.method, "url": self.path, "json": self.body, "headers": self.headers}


def invoke(body: Mapping[str, object]) -> Call[Answer]:
    return Call("POST", "/invocations", lambda response: Answer.read(response.json()), body)


def picture(body: Mapping[str, object], content_type: str) -> Call[bytes]:
    return Call("POST", "/invocations", lambda response: response.content, body, {"Accept": content_type})


def submit(body: Mapping[str, object]) -> Call[TakenJob]:
    return Call("POST", JOBS, lambda response: TakenJob.read(response.json()), body)


def job(id: str) -> Call[Job]:
    return Call("GET", f"{JOBS}/{quote(id)}", lambda response: Job.read(response.json()))


def file(id: str, name: str) -> Call[bytes]:
    return Call("GET", f"{JOBS}/{quote(id)}/outputs/{quote(name)}", lambda response: response.content)


def delete(id: str) -> Call[None]:
    return Call("DELETE", f"{JOBS}/{quote(id)}", lambda response: None)


def models() -> Call[Json]:
    return Call("GET", "/api/models", lambda response: response.json())


def catalogue() -> Call[list[Json]]:
    return Call("GET", "/api/catalogue", lambda response: response.json()["garments"])


def answered(call: Call[T], response: httpx.Response) -> T:
    """Raises `Problem` if it was refused."""
    return call.read(checked(response))


def pause_s(problem: Problem, tried: int) -> float | None:
    """How long to wait before the next try; None: there is none."""
    if tried >= RETRIES or not problem.retryable or problem.retry_after_s is None:
        return None
    return min(problem.retry_after_s, MOST_PAUSE_S)


def event(line: str) -> Progress | Answer:
    """A line of a stream.

    Raises:
        Problem: it is the last one, and says why there is no answer.
    """
    told = json.loads(line)
    match told["event"]:
        case "answer":
            return Answer.read(told)
        case "problem":
            raise Problem(told)
        case _:
            return Progress.read(told)


def head(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
