"""Everything a client can be told is wrong.

Problem
├── the client's
│   ├── BadRequest        400  the body cannot be parsed
│   ├── Unauthorized      401  without the token, or with another
│   ├── NoSuchJob         404  no job of this id is known here
│   ├── NoSuchGarment     404  the catalogue has none of this name
│   ├── IdInUse           409  the id belongs to another request
│   ├── TooLarge          413  more bytes or pixels than allowed
│   ├── UnsupportedMedia  415  a media type or picture format that is not read here
│   ├── Invalid           422  a field or picture that cannot be used
│   ├── TooMuchWork       422  it would not end before its deadline even alone
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

from model.codes import Code, CommonCode
from model.request import Request
from serve.answers import ProblemDetails
from serve.codes import FrontCode, codes_of

log = logging.getLogger(__name__)

_MAX_DETAIL, _MAX_FIELD = 1200, 300  # bytes: the whole problem stays under 2 kB, what SageMaker passes on


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An answer that is not a result. `code` is stable and decides the status; `detail` is one sentence for people."""

    title: str
    code: Code
    status: int
    retryable: bool = False

    def __init_subclass__(cls) -> None:
        cls.status = cls.code.status

    def __init__(
        self,
        detail: str,
        *,
        code: Code | None = None,
        field: str | None = None,
        retryable: bool | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.status = self.code.status
        self.field = field
        if retryable is not None:
            self.retryable = retryable
        self.retry_after_s = retry_after_s

    def details(self, request_id: str | None) -> ProblemDetails:
        """The `application/problem+json` body (RFC 9457's members and ours)."""
        return ProblemDetails(
            title=self.title,
            status=self.status,
            detail=beginning(self.detail, _MAX_DETAIL),
            code=self.code.value,
            field=self.field and beginning(self.field, _MAX_FIELD),
            retryable=self.retryable,
            retry_after_s=self.retry_after_s,
            request_id=request_id,
        )


class BadRequest(Problem):
    title, code = "Bad request", FrontCode.BAD_JSON


class Unauthorized(Problem):
    title, code = "Unauthorized", FrontCode.UNAUTHORIZED


class NoSuchJob(Problem):
    title, code = "No such job", FrontCode.NO_SUCH_JOB


class NoSuchGarment(Problem):
    title, code = "No such garment", FrontCode.NO_SUCH_GARMENT


class IdInUse(Problem):
    title, code = "Id in use", FrontCode.ID_IN_USE


class TooLarge(Problem):
    title, code = "Too large", FrontCode.TOO_LARGE


class UnsupportedMedia(Problem):
    title, code = "Unsupported media", FrontCode.UNSUPPORTED_MEDIA


class Invalid(Problem):
    title, code = "Invalid request", CommonCode.INVALID_FIELD


class TooMuchWork(Problem):
    title, code = "Too much work", FrontCode.TOO_MUCH_WORK


class InputUnavailable(Problem):
    title, code = "Input unavailable", FrontCode.INPUT_UNAVAILABLE


class Overloaded(Problem):
    title, code, retryable = "Too busy", FrontCode.OVERLOADED, True


class TooManyRequests(Problem):
    title, code, retryable = "Too many requests", FrontCode.RATE_LIMITED, True


class Internal(Problem):
    title = "Internal error"
    code: Code = CommonCode.INTERNAL


class WorkerLost(Internal):
    code = FrontCode.WORKER_LOST


class NotStored(Problem):
    title, code, retryable = "Not stored", FrontCode.NOT_STORED, True


class NotReady(Problem):
    title, code, retryable = "Not ready", FrontCode.NOT_READY, True


class DeadlinePassed(Problem):
    title, code, retryable = "Deadline passed", FrontCode.DEADLINE, True


class OutOfMemory(Problem):
    title, code = "Out of memory", CommonCode.OUT_OF_MEMORY


class RepeatedProblem(Problem):
    """The problem an earlier request of the same id and body ended with."""

    title, code = "Repeated", CommonCode.INTERNAL

    def __init__(self, kept: ProblemDetails) -> None:
        super().__init__(kept.detail, field=kept.field, retry_after_s=kept.retry_after_s)
        self.status = kept.status
        self._kept = kept

    def details(self, request_id: str | None) -> ProblemDetails:
        return self._kept.model_copy(update={"request_id": request_id})


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
        return NotReady("the disk for jobs is full", code=CommonCode.DISK_FULL, retry_after_s=60)
    log.error("unexpected failure", exc_info=error)
    return Internal("the service failed unexpectedly")


def is_disk_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def from_engine(code: str, field: str | None, message: str, *requests: type[Request]) -> Problem:
    """What a worker reported of a job that failed. A code that none of its engines has is a bug of ours.

    Args:
        requests: of the engines that work on it.
    """
    known = next((codes[code] for codes in map(codes_of, requests) if code in codes), None)
    kinds: dict[int, type[Problem]] = {kind.status: kind for kind in (Invalid, Internal, NotReady, OutOfMemory)}
    if known is None:
        log.error("an engine reported a code of which nothing is known", extra={"code": code})
        return Internal("the engine failed unexpectedly")
    return kinds[known.status](message, code=known, field=field)
