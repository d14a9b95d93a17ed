"""What we say as HTTP responses: models as JSON, problems as RFC 9457 has them."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import Response

from serve.answers import ProblemDetails, Told
from serve.errors import Problem, Unauthorized

_JSON, _PROBLEM_JSON = "application/json", "application/problem+json"


def json_response(told: Told, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(told.model_dump_json(), status, headers, _JSON)


def problem_response(problem: Problem, request_id: str | None) -> Response:
    """The problem, with the headers that belong to its kind."""
    headers = {}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(int(problem.retry_after_s) + 1)
    if isinstance(problem, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return details_response(problem.details(request_id), headers)


def details_response(details: ProblemDetails, headers: Mapping[str, str]) -> Response:
    return Response(details.model_dump_json(), details.status, headers, _PROBLEM_JSON)
