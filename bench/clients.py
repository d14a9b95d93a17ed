"""Clients: open loops, which keep their times, and closed ones, which wait for each answer before they ask again."""

from __future__ import annotations

import asyncio
import base64
import functools
import io
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
import numpy as np
from PIL import Image

from model.samples.samples import small_sample

Send = Callable[[], Awaitable[None]]
Pattern = Callable[[Send], Awaitable[list[float]]]  # when requests are sent; seconds of each

_TIMEOUT_S = 120
_PHOTO = (576, 768)


async def open_loop(send: Send, due_s: Sequence[float]) -> list[float]:
    """Send at these times from now on, whatever the answers do; seconds from when each was due to its answer."""

    async def one(due: float) -> float:
        await asyncio.sleep(due - time.perf_counter())
        await send()
        return time.perf_counter() - due

    began = time.perf_counter()
    return await asyncio.gather(*(one(began + offset) for offset in due_s))


def evenly(per_second: float, seconds: float) -> list[float]:
    """Times of requests at equal distances."""
    return [i / per_second for i in range(int(per_second * seconds))]


def at_random(per_second: float, seconds: float, seed: int) -> list[float]:
    """As many times (at least one), independent of each other, as clients that do not know of each other have them."""
    generator = np.random.default_rng(seed)
    return sorted(generator.uniform(0, seconds, max(int(per_second * seconds), 1)).tolist())


async def back_to_back(send: Send, requests: int) -> list[float]:
    """Send each request when the one before is answered; seconds of each."""
    taken = []
    for _ in range(requests):
        began = time.perf_counter()
        await send()
        taken.append(time.perf_counter() - began)
    return taken


async def until_over(send: Send, clients: int, seconds: float) -> list[float]:
    """Each client sends its next request when its last is answered, until `seconds` are over; seconds of each."""

    async def client() -> list[float]:
        taken: list[float] = []
        while time.perf_counter() < over:
            taken += await back_to_back(send, 1)
        return taken

    over = time.perf_counter() + seconds
    each = await asyncio.gather(*(client() for _ in range(clients)))
    return [taken for client in each for taken in client]


def closed_loop(url: str, clients: int, enough: Callable[[int], bool], **fields: Any) -> list[float]:
    """Each client sends its next try-on when its last is answered, until `enough(how many it had)`; seconds of each."""
    body = {**tryon(), **fields}

    def dress(index: int) -> list[float]:
        taken: list[float] = []
        with httpx.Client(base_url=url, timeout=_TIMEOUT_S) as http:
            while not enough(len(taken)):
                began = time.perf_counter()
                http.post("/invocations", json=body | {"seed": next(seeds)}).raise_for_status()
                taken.append(time.perf_counter() - began)
        return taken

    seeds = count()
    with ThreadPoolExecutor(clients) as pool:
        return [seconds for taken in pool.map(dress, range(clients)) for seconds in taken]


@functools.cache
def tryon() -> dict[str, Any]:
    """A request for one of the made-up people, enlarged to a photo's size, at the pack's size and steps."""
    pictures = {field: Image.open(file).resize(_PHOTO) for field, file in small_sample().items()}
    return {"type": "tryon", **{field: base64_png(picture) for field, picture in pictures.items()}}


def base64_png(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
