"""What the clients of an earlier service may find here beside our own routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import JsonValue

from serve.accept import Accept
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
