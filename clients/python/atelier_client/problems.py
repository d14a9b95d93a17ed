"""Why there is no answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

Json = Mapping[str, Any]


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """What a service refused something with. `code` is stable, `detail` a sentence for people."""

    def __init__(self, told: Json) -> None:
        field = f" ({told['field']})" if told.get("field") else ""
        super().__init__(f"{told['status']} {told['code']}{field}: {told['detail']}")
        self.status: int = told["status"]
        self.code: str = told["code"]
        self.field: str | None = told.get("field")
        self.detail: str = told["detail"]
        self.retryable: bool = told.get("retryable", False)
        self.retry_after_s: float | None = told.get("retry_after_s")


def checked(response: httpx.Response) -> httpx.Response:
    """The response, whose body was read, if it is no refusal.

    Raises:
        Problem: it is one.
        httpx.HTTPStatusError: it is one, but not of such a service.
    """
    if response.is_error and response.headers.get("content-type", "").startswith("application/problem+json"):
        raise Problem(response.json())
    return response.raise_for_status()
