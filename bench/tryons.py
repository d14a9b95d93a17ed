"""Try-ons of one size over HTTP, and what is known of each."""

from __future__ import annotations

import argparse
import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Any

import httpx
import numpy as np
from PIL import Image

from bench.clients import Pattern, base64_png
from model.engines.pack import EnginePack
from model.samples.samples import small_sample

_TIMEOUT_S = 600
_PUBLISHED = {"steps": 50, "guidance": 2.5}

Size = tuple[int, int]  # width, height


def sizes(words: str) -> list[Size]:
    """The sizes that "96x128,192x256" means."""
    return [size_named(word) for word in words.split(",")]


def size_named(word: str) -> Size:
    """The size that "96x128" means."""
    width, _, height = word.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, got {word!r}")
    return int(width), int(height)


def named(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def tryon_of(size: Size, model_dir: str, steps: int | None) -> dict[str, Any]:
    """A request whose photos have the size that is computed: the engine is measured, not the decoding of photos."""
    pictures = {name: base64_png(Image.open(file).resize(size)) for name, file in small_sample().items()}
    fields = {**_PUBLISHED, **EnginePack(model_dir).defaults("catvton"), "width": size[0], "height": size[1]}
    return {"type": "tryon", **pictures, **fields, "repaint": False} | ({} if steps is None else {"steps": steps})


@dataclass
class Loaded:
    """What came of a load on a server."""

    took_s: float = 0.0  # from the first request to the last answer
    seconds: list[float] = field(default_factory=list)  # of each try-on
    queue_s: list[float] = field(default_factory=list)  # of each: before it had the device, or a place on it

    def __iadd__(self, other: Loaded) -> Loaded:
        """One after the other."""
        self.took_s += other.took_s
        self.seconds += other.seconds
        self.queue_s += other.queue_s
        return self

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.took_s

    @property
    def queue_share(self) -> float:
        """Of all the time that clients waited."""
        return sum(self.queue_s) / sum(self.seconds)


async def load(url: str, bodies: Sequence[dict[str, Any]], pattern: Pattern) -> Loaded:
    """Send try-ons as `pattern` has it: these in turn, over and over again, each with another seed."""
    loaded, seeds = Loaded(), count()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, limits=limits) as http:

        async def send() -> None:
            seed = next(seeds)
            response = await http.post("/invocations", json=bodies[seed % len(bodies)] | {"seed": seed})
            response.raise_for_status()
            loaded.queue_s.append(response.json()["timings"]["queue_s"])

        began = perf_counter()
        loaded.seconds = await pattern(send)
        loaded.took_s = perf_counter() - began
    return loaded


def levels_apart(urls: tuple[str, str], body: dict[str, Any]) -> int:
    """The largest difference of two servers' answers to one request, in grey levels."""
    one, other = (painted(url, body | {"seed": 0}) for url in urls)
    return int(np.abs(one - other).max())


def painted(url: str, body: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    response = httpx.post(f"{url}/invocations", json=body, timeout=_TIMEOUT_S)
    response.raise_for_status()
    png = base64.b64decode(response.json()["outputs"][0]["data"])
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.int64)
