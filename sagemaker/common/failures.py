"""What went wrong, in one line, and whether the same request may be sent again.

Failed
├── Refused      the container answered with a problem; it says itself whether to try again
└── Interrupted  nobody can tell what became of the request: time-out, lost connection, a service out of order
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.exceptions as botocore
import urllib3.exceptions as urllib3

Json = dict[str, Any]

_LOST = (
    *(botocore.HTTPClientError, botocore.ConnectionError, botocore.IncompleteReadError),
    urllib3.HTTPError,  # what the parts of a streamed answer raise
)
_PASSING = ("ModelStreamError", "InternalStreamFailure", "ThrottlingException", "Throttling", "SlowDown")
_SHOWN_CHARACTERS = 300  # of a message that is not a problem of ours: a few lines


class Failed(Exception):  # noqa: N818 - what happened
    """It was not done. `retryable`: the same request, with the same id, may succeed."""

    retryable = False
    retry_after_s: float | None = None


class Refused(Failed):
    """The container's problem (RFC 9457)."""

    def __init__(self, problem: Json) -> None:
        field = f" ({problem['field']})" if problem.get("field") else ""
        super().__init__(f"{problem.get('status')} {problem['code']}{field}: {problem.get('detail')}")
        self.code: str = problem["code"]
        self.retryable = bool(problem["retryable"])
        self.retry_after_s = problem.get("retry_after_s")


class Interrupted(Failed):
    """It may have been done, or may still be under way. Its id makes it safe to send it again."""

    retryable = True


@contextmanager
def told() -> Iterator[None]:
    """Turns what botocore raises into Failed."""
    try:
        yield
    except botocore.ClientError as error:
        raise _of_answer(error) from error
    except _LOST as error:
        raise Interrupted(f"the connection was lost: {error}") from error
    except botocore.BotoCoreError as error:
        raise Failed(str(error)) from error


def _of_answer(error: botocore.ClientError) -> Failed:
    """What a service answered instead of a result."""
    answer, code = error.response, error.response["Error"]["Code"]
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ModelError":
        return of_container(int(answer.get("OriginalStatusCode") or 0), str(answer.get("OriginalMessage", "")))
    if status >= 500 or status == 429 or code in _PASSING:
        return Interrupted(str(error))
    bucket = error.response["Error"].get("BucketName")
    return Failed(f"{error}: {bucket!r}" if bucket else str(error))


def of_container(status: int, message: str) -> Failed:
    """What a container answered, as the platform passes it on.

    Args:
        status: 0: it did not answer in time.
    """
    problem = problem_in(message)
    if problem is not None:
        return Refused(problem)
    kind = Interrupted if status == 0 or status >= 500 else Failed
    return kind(f"the container answered {status or 'nothing'}: {message[:_SHOWN_CHARACTERS]}")


def problem_in(text: str) -> Json | None:
    """The container's problem, wherever the platform's words around it begin and end; None if there is none."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = decoder.raw_decode(text, start)
        except ValueError:
            found = None
        if problem := _problem_of(found):
            return problem
        start = text.find("{", start + 1)
    return problem_in(text.replace('\\"', '"')) if '\\"' in text else None  # it was a string in another JSON


def _problem_of(found: object) -> Json | None:
    return found if isinstance(found, dict) and {"code", "retryable"} <= found.keys() else None
