"""One request, and the answer at the end of its stream."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import httpx

from client.problems import Failed, Json, Refused
from client.progress import OnProgress, say

RETRIES = 2  # as the Python client has
_MAX_RETRY_AFTER_S = 60.0  # that a person is kept waiting for


def invoke(http: httpx.Client, body: Mapping[str, object], on_progress: OnProgress, retries: int = RETRIES) -> Json:
    """The answer to `body`. Tries again when the service advises it.

    Raises:
        Refused: the service has answered with a problem.
        Failed: something answered that is no such service.
    """
    try:
        return _invoke_once(http, body, on_progress)
    except Refused as refusal:
        if refusal.retry_after_s is None or not retries:
            raise
        delay_s = min(refusal.retry_after_s, _MAX_RETRY_AFTER_S)
        say(f"{refusal}; trying again in {delay_s:.0f} s")
    time.sleep(delay_s)
    return invoke(http, body, on_progress, retries - 1)


def _invoke_once(http: httpx.Client, body: Mapping[str, object], on_progress: OnProgress) -> Json:
    with http.stream("POST", "/invocations", json=body, headers={"Accept": "application/x-ndjson"}) as response:
        for line in checked(response).iter_lines():
            event: Json = json.loads(line)
            if event["event"] == "answer":
                return event
            if event["event"] == "problem":
                raise Refused(event)
            on_progress(event["stage"], event["done"], event["total"])
    raise Failed("the server ended the stream without an answer")


def checked(response: httpx.Response) -> httpx.Response:
    """The response, if it is a 200.

    Raises:
        Refused, Failed: as `invoke`.
    """
    if response.status_code == httpx.codes.OK:
        return response
    response.read()
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        raise Refused(response.json())
    raise Failed(f"{response.status_code} {response.reason_phrase} {response.text[:200]}")
