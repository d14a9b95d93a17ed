"""`CORS_ORIGINS`: which other pages may call this service from a browser."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

# What a page may send beside the simple headers, and what it may read of an answer.
_SENT = ("Authorization", "Content-Type", "Content-Encoding", "Last-Event-ID", "Range", "X-Request-Id")
_READ = ("Accept-Ranges", "Content-Range", "ETag", "Location", "Retry-After", "X-Atelier-Seed", "X-Request-Id")


def allow_origins(app: FastAPI, origins: Collection[str]) -> None:
    """Let pages of these origins in (`*`: of any). Cookies play no part: a token is sent as a header."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=tuple(origins),
        allow_methods=("GET", "HEAD", "POST", "DELETE"),
        allow_headers=_SENT,
        expose_headers=_READ,
    )
