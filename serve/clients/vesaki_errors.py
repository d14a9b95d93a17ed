"""Problems as Vesaki's service told them: `status`, `error_code`, `message`, `details`."""

from __future__ import annotations

from fastapi.responses import JSONResponse, Response
from pydantic import JsonValue

from serve.clients.shapes import in_their_words, their_name
from serve.errors import NoSuchJob, NotReady, Overloaded, Problem, TooLarge, TooManyRequests, UnsupportedMedia

# By the kind of our problem: its code, and the status it had there.
_KINDS: tuple[tuple[type[Problem], str, int], ...] = (
    (TooLarge, "IMAGE_TOO_LARGE", 413),
    (UnsupportedMedia, "INVALID_FORMAT", 400),
    (NoSuchJob, "JOB_NOT_FOUND", 404),
    (TooManyRequests, "RATE_LIMIT_EXCEEDED", 429),
    (Overloaded, "RATE_LIMIT_EXCEEDED", 429),
    (NotReady, "MODEL_NOT_LOADED", 503),
)


_NAMES = {"person_image": "person", "garment_image": "garment"}


class VesakiRefusal(Exception):  # noqa: N818 - as Problem
    """What was its own to refuse."""

    def __init__(self, error_code: str, message: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.message = message
        self.field = field
        self.status = status


def told(error: Problem | VesakiRefusal) -> Response:
    """In its words. What is wrong with a request and has no word there is an invalid image."""
    if isinstance(error, VesakiRefusal):
        return _response(error.error_code, error.message, error.status, {"field": error.field})
    details = error.details(None)
    code, status = next(
        ((code, status) for kind, code, status in _KINDS if isinstance(error, kind)),
        ("INVALID_IMAGE", 400) if error.status < 500 else ("PROCESSING_FAILED", 500),
    )
    known: dict[str, JsonValue] = {"field": their_name(error.field, _NAMES), "code": details.code}
    if error.retry_after_s is not None:
        known["retry_after"] = int(error.retry_after_s) + 1
    return _response(code, in_their_words(error, _NAMES), status, known)


def _response(code: str, message: str, status: int, details: dict[str, JsonValue]) -> Response:
    waits = details.get("retry_after")
    body = {"status": "error", "error_code": code, "message": message, "details": details}
    if waits is None:
        return JSONResponse(body, status)
    return JSONResponse(body | {"retry_after": waits}, status, {"Retry-After": str(waits)})
