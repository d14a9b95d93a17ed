"""A problem as an HTTP response (RFC 9457)."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from serve.errors import Problem, Unauthorized

_PROBLEM_JSON = "application/problem+json"


def problem_response(problem: Problem, request_id: str | None) -> JSONResponse:
    """The problem, with the headers that belong to its kind."""
    headers = {}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(int(problem.retry_after_s) + 1)
    if isinstance(problem, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return problem_json(problem.to_json(request_id), headers)


def problem_json(body: dict[str, Any], headers: dict[str, str]) -> JSONResponse:
    return JSONResponse(body, status_code=body["status"], headers=headers, media_type=_PROBLEM_JSON)
