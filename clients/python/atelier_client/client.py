"""The client that waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self, TypeVar

import httpx

from atelier_client import calls, requests
from atelier_client.answers import Answer, Job, Progress, TakenJob
from atelier_client.problems import Json, Problem, checked
from atelier_client.requests import Picture

T = TypeVar("T")


class Atelier:
    """A service at `url`. Every call raises `Problem` where the service refuses, and httpx's errors of transport.

    Args:
        token: where the service asks for one.
        http: a client of httpx to use, with whatever timeouts and proxies; its own `base_url` is not looked at.
    """

    def __init__(self, url: str, token: str | None = None, http: httpx.Client | None = None) -> None:
        self._http = http or httpx.Client(timeout=calls.TIMEOUT)
        self._http.base_url = httpx.URL(url)
        self._http.headers.update(calls.head(token))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def tryon(self, person: Picture, garment: Picture | None = None, **fields: object) -> Answer:
        """Dress somebody now; see `requests.tryon`."""
        return self.invoke(requests.tryon(person, garment, **fields))

    def avatar(self, photos: Iterable[Picture], **fields: object) -> Answer:
        """Make an avatar now, which takes long: rather `submit` it."""
        return self.invoke(requests.avatar(photos, **fields))

    def invoke(self, body: Mapping[str, object]) -> Answer:
        return self._call(calls.invoke(requests.as_json(body)))

    def picture(self, body: Mapping[str, object], content_type: str = "image/png") -> bytes:
        """The picture alone, or with `model/gltf-binary` the avatar."""
        return self._call(calls.picture(requests.as_json(body), content_type))

    def stream(self, body: Mapping[str, object]) -> Iterator[Progress | Answer]:
        """Progress, and in the end the answer."""
        sent = requests.as_json(body)
        with self._http.stream("POST", "/invocations", json=sent, headers=calls.EVENTS) as response:
            if response.is_error:
                response.read()
            for line in checked(response).iter_lines():
                yield calls.event(line)

    def submit(self, body: Mapping[str, object]) -> TakenJob:
        """Hand a job in."""
        return self._call(calls.submit(requests.as_json(body)))

    def job(self, id: str) -> Job:
        return self._call(calls.job(id))

    def wait(self, id: str, on_progress: Callable[[Progress], object] | None = None) -> Answer:
        """The answer of a job that was handed in."""
        with self._http.stream("GET", f"{calls.JOBS}/{id}/events", headers=calls.EVENTS) as response:
            if response.is_error:
                response.read()
            for line in checked(response).iter_lines():
                told = calls.event(line)
                if isinstance(told, Answer):
                    return told
                if on_progress is not None:
                    on_progress(told)
        raise httpx.RemoteProtocolError("the service ended the stream without an answer")

    def file(self, id: str, name: str) -> bytes:
        """A file of a job, wherever it is stored."""
        return self._call(calls.file(id, name))

    def delete(self, id: str) -> None:
        """Cancel a job, and erase what is kept of it."""
        self._call(calls.delete(id))

    def models(self) -> Json:
        return self._call(calls.models())

    def catalogue(self) -> list[Json]:
        return self._call(calls.catalogue())

    def _call(self, call: calls.Call[T], tried: int = 0) -> T:
        try:
            return calls.answered(call, self._http.request(**call.arguments()))
        except Problem as problem:
            pause_s = calls.pause_s(problem, tried)
            if pause_s is None:
                raise
        time.sleep(pause_s)
        return self._call(call, tried + 1)
