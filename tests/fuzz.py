"""Requests that are almost right: a valid try-on with one to three things wrong. The same seed, the same requests."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

from tests.conftest import base64_of, encode

ODD: tuple[Any, ...] = (
    None, True, 0, 1, -1, 63, 64, 65, 2**31, 2**32, 2**64, 0.5, 1e308, -1e-308, float("nan"), float("inf"),
    "", " ", "0", "\x00", "a" * 70, "é" * 40, "\ud83d\ude00", "../../etc/passwd", "%2e%2e/", "-", "null", "tryon",
    [], [[]], ["x"], {}, {"upper": "x"}, {"prefix": "s3://nobody/", "format": "png"}, {"inline": "yes"},
    "file:///etc/passwd", "file://localhost/etc/shadow", "http://169.254.169.254/", "https://127.0.0.1:1/x.png",
    "https://[::1]/", "https://0x7f000001/", "s3://", "s3:///key", "gopher://x", "javascript:alert(1)",
    "data:", "data:,", "data:image/png;base64,", "data:image/png;base64,iVBORw0KGgo=", "AAAA", "R0lGODlhAQABAAAAACw=",
)  # fmt: skip
MEDIA_TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "",
    "multipart/form-data",
    "*/*",
)
ACCEPTS = (
    "*/*",
    "application/json",
    "image/png",
    "image/webp",
    "text/event-stream",
    "application/x-ndjson",
    "a/b;q=x",
    "",
)
NEW_FIELDS = (
    "garments",
    "category",
    "output",
    "id",
    "deadline_s",
    "seed",
    "__proto__",
    "person_image_url",
    "variant",
    "",
)


def valid_tryon() -> dict[str, Any]:
    """A try-on that is right, and as small as one can be."""
    person = Image.linear_gradient("L").resize((48, 64)).convert("RGB")
    mask = Image.new("L", person.size)
    mask.paste(255, (10, 10, 30, 40))
    return {
        "type": "tryon",
        "person": base64_of(encode(person)),
        "garment": base64_of(encode(Image.new("RGB", (20, 30), "red"))),
        "mask": base64_of(encode(mask)),
        "width": 64,
        "height": 64,
        "steps": 1,
        "guidance": 1.0,
        "eta": 0.0,
        "samples": 1,
        "seed": 1,
        "repaint": False,
    }


@dataclass(frozen=True)
class Attempt:
    """One request to send."""

    content: bytes
    headers: dict[str, str]


def attempts(valid: dict[str, Any], seed: int, count: int) -> Iterator[Attempt]:
    """`count` variations of the body `valid`."""
    dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for _ in range(count):
        body = json.dumps(mutated(valid, dice)).encode()
        if dice.random() < 0.1:
            body = torn(body, dice)
        media_type = dice.choice(MEDIA_TYPES) if dice.random() < 0.1 else "application/json"
        yield Attempt(body, {"Content-Type": media_type, "Accept": dice.choice(ACCEPTS)})


def mutated(valid: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    body = dict(valid)
    for _ in range(dice.randint(1, 3)):
        match dice.random():
            case share if share < 0.15:
                body.pop(dice.choice(list(body)), None)
            case share if share < 0.3:
                body[dice.choice(NEW_FIELDS)] = dice.choice(ODD)
            case share if share < 0.4:
                name = dice.choice(
                    [name for name in ("person", "garment", "mask") if isinstance(body.get(name), str)] or ["id"]
                )
                body[name] = spoilt(str(body.get(name)), dice)
            case _:
                body[dice.choice(list(valid))] = dice.choice(ODD)
    return body


def spoilt(text: str, dice: random.Random) -> str:
    """A picture cut off, or with a few characters changed."""
    if not text or dice.random() < 0.5:
        return text[: dice.randrange(len(text) or 1)]
    characters = list(text)
    for _ in range(3):
        characters[dice.randrange(len(characters))] = dice.choice("AZaz09+/=")
    return "".join(characters)


def torn(body: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(body))
    return body[:place] + bytes([dice.randrange(256)]) + (b"" if dice.random() < 0.5 else body[place:])


def complaint(response: httpx.Response) -> str | None:
    """What is wrong with an answer, if anything is: it must be a result or one small, typed problem."""
    if response.status_code == httpx.codes.OK:
        return None
    if (
        response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
        and response.status_code != httpx.codes.GATEWAY_TIMEOUT
    ):
        return f"{response.status_code}: {response.text[:300]}"
    if response.headers.get("content-type") != "application/problem+json":
        return f"{response.status_code} is no problem: {response.text[:300]}"
    if len(response.content) >= 2048:
        return f"a problem of {len(response.content)} bytes"
    return None if response.json().keys() >= {"code", "detail", "field", "retryable"} else response.text[:300]
