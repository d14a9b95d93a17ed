"""The same client with `await`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Self, TypeVar

import httpx

from atelier_client import calls, requests
from atelier_client.answers import Answer, Job, Progress, TakenJob
from atelier_client.problems import Json, Problem, checked
from atelier_client.requests import Picture

T = TypeVar("T")


class AsyncAtelier:
    """As `Atelier`."""

    def __init__(self, url: str, token: str | None = None, http: httpx.AsyncClient | None = None) -> None:
        self._http = http or httpx.AsyncClient(timeout=calls.TIMEOUT)
        self._http.base_url = httpx.URL(url)
        self._http.headers.update(calls.head(token))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def tryon(self, person: Picture, garment: Picture | None = None, **fields: object) -> Answer:
        """Dress somebody now; see `requests.tryon`."""
        return await self.invoke(requests.tryon(person, garment, **fields))

    async def avatar(self, photos: Iterable[Picture], **fields: object) -> Answer:
        """Make an avatar now, which takes long: rather `submit` it."""
        return await self.invoke(requests.avatar(photos, **fields))

    async def invoke(self, body: Mapping[str, object]) -> Answer:
        return await self._call(calls.invoke(requests.as_json(body)))

    async def picture(self, body: Mapping[str, object], content_type: str = "image/png") -> bytes:
        """The picture alone, or with `model/gltf-binary` the avatar."""
        return await self._call(calls.picture(requests.as_json(body), content_type))

    async def stream(self, body: Mapping[str, object]) -> AsyncIterator[Progress | Answer]:
        """Progress, and in the end the answer."""
        sent = requests.as_json(body)
        async with self._http.stream("POST", "/invocations", json=sent, headers=calls.EVENTS) as response:
            if response.is_error:
                await response.aread()
            async for line in checked(response).aiter_lines():
                yield calls.event(line)

    async def submit(self, body: Mapping[str, object]) -> TakenJob:
        """Hand a job in."""
        return await self._call(calls.submit(requests.as_json(body)))

    async def job(self, id: str) -> Job:
        return await self._call(calls.job(id))

    async def wait(self, id: str, on_progress: Callable[[Progress], object] | None = None) -> Answer:
        """The answer of a job that was handed in."""
        async with self._http.stream("GET", f"{calls.JOBS}/{id}/events", headers=calls.EVENTS) as response:
            if response.is_error:
                await response.aread()
            async for line in checked(response).aiter_lines():
                told = calls.event(line)
                if isinstance(told, Answer):
                    return told
                if on_progress is not None:
                    on_progress(told)
        raise httpx.RemoteProtocolError("the service ended the stream without an answer")

    async def file(self, id: str, name: str) -> bytes:
        """A file of a job, wherever it is stored."""
        return await self._call(calls.file(id, name))

    async def delete(self, id: str) -> None:
        """Cancel a job, and erase what is kept of it."""
        await self._call(calls.delete(id))

    async def models(self) -> Json:
        return await self._call(calls.models())

    async def catalogue(self) -> list[Json]:
        return await self._call(calls.catalogue())

    async def _call(self, call: calls.Call[T], tried: int = 0) -> T:
        try:
            return calls.answered(call, await self._http.request(**call.arguments()))
        except Problem as problem:
            pause_s = calls.pause_s(problem, tried)
            if pause_s is None:
                raise
        await asyncio.sleep(pause_s)
        return await self._call(call, tried + 1)
