"""Everything a client can be told is wrong.

Problem
├── the client's
│   ├── BadRequest        400  the body cannot be parsed
│   ├── Unauthorized      401  without the token, or with another
│   ├── NoSuchJob         404  no job of this id is known here
│   ├── IdInUse           409  the id belongs to another request
│   ├── TooLarge          413  more bytes or pixels than allowed
│   ├── UnsupportedMedia  415  a media type or picture format that is not read here
│   ├── Invalid           422  a field or picture that cannot be used
│   └── InputUnavailable  424  an input that could not be fetched
├── capacity
│   ├── Overloaded        429  it would not end before its deadline
│   ├── NotReady          503  still starting, draining, or the disk is full
│   └── OutOfMemory       507  it does not fit the device even alone
├── DeadlinePassed        504
├── NotStored             502  computed and kept, but storage does not take it
└── Internal              500  a worker was lost over it, or a bug of ours
"""

from __future__ import annotations

import errno
import json
import logging
from typing import Any

log = logging.getLogger(__name__)

_MAX_DETAIL, _MAX_FIELD = 1200, 300  # bytes: the whole problem stays under 2 kB, what SageMaker passes on


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An answer that is not a result. `code` is stable; `detail` is one sentence for people."""

    status: int
    title: str
    code: str = "internal"
    retryable: bool = False

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        field: str | None = None,
        retryable: bool | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.field = field
        if retryable is not None:
            self.retryable = retryable
        self.retry_after_s = retry_after_s

    def to_json(self, request_id: str | None) -> dict[str, Any]:
        """The members of an `application/problem+json` body (RFC 9457 and ours)."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": beginning(self.detail, _MAX_DETAIL),
            "code": self.code,
            "field": self.field and beginning(self.field, _MAX_FIELD),
            "retryable": self.retryable,
            "retry_after_s": self.retry_after_s,
            "request_id": request_id,
        }


class BadRequest(Problem):
    status, title, code = 400, "Bad request", "bad_json"


class Unauthorized(Problem):
    status, title, code = 401, "Unauthorized", "unauthorized"


class NoSuchJob(Problem):
    status, title, code = 404, "No such job", "no_such_job"


class IdInUse(Problem):
    status, title, code = 409, "Id in use", "id_in_use"


class TooLarge(Problem):
    status, title, code = 413, "Too large", "too_large"


class UnsupportedMedia(Problem):
    status, title, code = 415, "Unsupported media", "unsupported_media"


class Invalid(Problem):
    status, title, code = 422, "Invalid request", "invalid_field"


class InputUnavailable(Problem):
    status, title, code = 424, "Input unavailable", "input_unavailable"


class Overloaded(Problem):
    status, title, code, retryable = 429, "Too busy", "overloaded", True


class Internal(Problem):
    status, title, code = 500, "Internal error", "internal"


class WorkerLost(Internal):
    code = "worker_lost"


class NotStored(Problem):
    status, title, code, retryable = 502, "Not stored", "not_stored", True


class NotReady(Problem):
    status, title, code, retryable = 503, "Not ready", "not_ready", True


class DeadlinePassed(Problem):
    status, title, code, retryable = 504, "Deadline passed", "deadline", True


class OutOfMemory(Problem):
    status, title, code = 507, "Out of memory", "out_of_memory"


class RepeatedProblem(Problem):
    """The problem an earlier request of the same id and body ended with."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["detail"], code=problem["code"], field=problem["field"])
        self.status = problem["status"]
        self.title = problem["title"]


def beginning(text: str, most_bytes: int) -> str:
    """As much of `text` as fits into so many bytes of JSON, where a character can take six."""
    taken = 0
    for index, character in enumerate(text):
        taken += len(json.dumps(character, ensure_ascii=False).encode()) - len('""')
        if taken > most_bytes:
            return text[:index]
    return text


def as_problem(error: Exception) -> Problem:
    """What a client is told of an exception: ours as it is, a full disk, or no more than that it was ours."""
    if isinstance(error, Problem):
        return error
    if is_disk_full(error):
        return NotReady("the disk for jobs is full", code="disk_full", retry_after_s=60)
    log.error("unexpected failure", exc_info=error)
    return Internal("the service failed unexpectedly")


def is_disk_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def from_engine(error: dict[str, Any]) -> Problem:
    """What a worker reported of a job that failed."""
    code, field, message = error["code"], error["field"], error["message"]
    kinds: dict[str, type[Problem]] = {"internal": Internal, "out_of_memory": OutOfMemory, "disk_full": NotReady}
    return kinds.get(code, Invalid)(message, code=code, field=field)
