"""What the clients of an earlier service may find here beside our own routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import JsonValue

from model.request import Request as JobRequest
from serve.accept import Accept
from serve.body import RequestBody
from serve.clients.service import Service

PROMETHEUS = ("text/plain", "application/openmetrics-text")


class Client:
    """Base: one that asks for nothing of its own."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def routes(self) -> APIRouter:
        """Those that nobody else has."""
        return APIRouter()

    def take_up(self) -> None:
        """Go on with what an earlier front has left."""
        return

    async def take_job(self, body: RequestBody, request: Request) -> dict[str, JsonValue] | None:
        """What `POST /api/jobs` says to a body in its words; None: it is not.

        Raises:
            Problem: it is, and cannot be taken.
        """
        return None

    def job(self, job_id: str) -> dict[str, JsonValue] | None:
        """What `GET /api/jobs/{id}` says of a job that came in that way; None: this one did not."""
        return None

    def answer(self, request: Request, asked: JobRequest | None) -> dict[str, JsonValue] | None:
        """What `/invocations` says in place of our answer; None: our answer.

        Args:
            asked: None: this was answered before.
        """
        return None

    async def greeting(self) -> JsonValue:
        """What `GET /` says; None: nothing."""
        return None

    async def health(self) -> dict[str, JsonValue]:
        """What `GET /health` says beside our state."""
        return {}

    async def metrics(self) -> dict[str, JsonValue] | None:
        """What `GET /metrics` says to whoever does not ask for Prometheus' formats; None: nothing."""
        return None


@dataclass(frozen=True)
class SharedPaths:
    """What several clients have under one path: of those that answer, the first listed one does."""

    clients: Sequence[Client]

    def take_up(self) -> None:
        for client in self.clients:
            client.take_up()

    async def take_job(self, body: RequestBody, request: Request) -> dict[str, JsonValue] | None:
        for client in self.clients:
            if (told := await client.take_job(body, request)) is not None:
                return told
        return None

    def job(self, job_id: str) -> dict[str, JsonValue] | None:
        return next((told for client in self.clients if (told := client.job(job_id)) is not None), None)

    def answer(self, request: Request, asked: JobRequest | None) -> dict[str, JsonValue] | None:
        return next((told for client in self.clients if (told := client.answer(request, asked)) is not None), None)

    async def greeting(self) -> JsonValue:
        greetings = [await client.greeting() for client in self.clients]
        return next((greeting for greeting in greetings if greeting is not None), None)

    async def health(self) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = {}
        for client in self.clients:
            fields = await client.health() | fields
        return fields

    async def metrics(self, request: Request) -> dict[str, JsonValue] | None:
        accept = Accept.of(request)
        if any(one.kind in PROMETHEUS for one in accept.ranges):
            return None
        told = [await client.metrics() for client in self.clients]
        return next((fields for fields in told if fields is not None), None)
