"""Bodies of 30 MB are nothing for the event loop, on which `/ping` waits."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import pytest

from serve.body import RequestBody
from serve.form import read_form

MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="type"\r\n\r\nprobe\r\n'
    b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\npixels\r\n--x--\r\n'
)


def form() -> Coroutine[Any, Any, RequestBody]:
    from fastapi import Request

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": MULTIPART, "more_body": False}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    return read_form(Request({"type": "http", "headers": headers}, receive), max_bytes=1000)


@pytest.mark.parametrize("read", [lambda: RequestBody.parse(b'{"type": "probe"}'), form])
def test_bodies_are_parsed_and_hashed_off_the_event_loop(read: Callable[[], Coroutine[Any, Any, RequestBody]]) -> None:
    called: list[Any] = []

    def note(frame: FrameType, event: str, argument: Any) -> None:
        called.append(argument if event == "c_call" else frame.f_code)

    async def watched() -> RequestBody:
        sys.setprofile(note)  # of this thread, the loop's
        try:
            return await read()
        finally:
            sys.setprofile(None)

    body = asyncio.run(watched())
    assert body.fields["type"] == "probe"
    assert len(body.digest) == 64
    assert called
    assert json.loads.__code__ not in called
    assert json.dumps.__code__ not in called
    assert hashlib.sha256 not in called
