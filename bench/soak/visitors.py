"""Who comes during a soak: each kind sends one request and says how it ended."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx

from bench.clients import base64_png
from model.samples.samples import small_sample
from model.synthetic.datasets.loose_photos import loose_photos
from tests.fuzz import Attempt, attempts, complaint, valid_tryon

Ends = list[str]  # of one request: exactly one, or something is wrong
Visit = Callable[[httpx.AsyncClient, int], Awaitable[Ends]]

FAILED = "failed: "  # how an end begins that nobody has designed
_TIMEOUT_S = 600
_SMALL_AVATAR = {"size": 64, "mesh_size": 64, "iterations": 5, "faces": 2000, "texture_size": 1024, "formats": ["glb"]}
_ENOUGH = 300  # characters of an answer that is wrong


def person() -> dict[str, Any]:
    """A try-on's pictures, inline."""
    return {name: base64.b64encode(file.read_bytes()).decode() for name, file in small_sample().items()}


def end_of(response: httpx.Response) -> str:
    """`done`, or the code of a problem that was designed."""
    if response.status_code in (httpx.codes.OK, httpx.codes.ACCEPTED):
        return "done"
    if response.headers.get("content-type") != "application/problem+json":
        return f"{FAILED}{response.status_code} {response.text[:_ENOUGH]}"
    return _code(response.json())


def _code(problem: dict[str, Any]) -> str:
    code = str(problem["code"])
    return f"{FAILED}{json.dumps(problem)[:_ENOUGH]}" if code == "internal" else code


def tryon(engine: str, **fields: Any) -> Visit:
    """A try-on whose answer carries the picture."""
    body = {"type": "tryon", "engine": engine, **person(), "output": {"inline": True}, **fields}

    async def visit(http: httpx.AsyncClient, seed: int) -> Ends:
        response = await http.post("/invocations", json=body | {"seed": seed % 2**32})
        return [end_of(response)]

    return visit


def stored(engine: str, **fields: Any) -> Visit:
    """A try-on under an id of the client's; what storage does not take yet is asked for again."""
    body = {"type": "tryon", "engine": engine, **person(), **fields}

    async def visit(http: httpx.AsyncClient, seed: int) -> Ends:
        named = body | {"id": f"soak-{engine}-{seed}", "seed": seed % 2**32}
        for _ in range(20):
            end = end_of(await http.post("/invocations", json=named))
            if end not in ("not_stored", "deadline"):
                return [end]
        return [end]

    return visit


def streamed(engine: str, accept: str, **fields: Any) -> Visit:
    """A try-on told step by step."""
    body = {"type": "tryon", "engine": engine, **person(), "output": {"inline": True}, **fields}

    async def visit(http: httpx.AsyncClient, seed: int) -> Ends:
        headers = {"Accept": accept}
        async with http.stream("POST", "/invocations", json=body | {"seed": seed}, headers=headers) as response:
            text = (await response.aread()).decode()
        if response.status_code != httpx.codes.OK:
            return [end_of(response)]
        lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith(("{", "data: {"))]
        return ends_told(json.loads(line) for line in lines)

    return visit


def ends_told(events: Iterator[dict[str, Any]]) -> Ends:
    """The ends among a stream's events: an answer, or a problem."""
    return [
        "done" if event.get("event") == "answer" else _code(event.get("problem", event))
        for event in events
        if event.get("event") in ("answer", "problem")
    ]


def avatar() -> Visit:
    """An avatar, handed in as a job and asked for until it has ended."""
    photos = [base64_png(photo.convert("RGB")) for photo in loose_photos(2, 2, 192, 256)]
    body = {"type": "avatar", "engine": "template", "photos": photos, "output": {"inline": True}, **_SMALL_AVATAR}

    async def visit(http: httpx.AsyncClient, seed: int) -> Ends:
        taken = await http.post("/api/jobs", json=body | {"seed": seed})
        if taken.status_code != httpx.codes.ACCEPTED:
            return [end_of(taken)]
        while (told := await http.get(taken.json()["url"])).status_code == httpx.codes.OK:
            job = told.json()
            if job["state"] in ("done", "failed"):
                return ["done" if job["state"] == "done" else _code(job["problem"])]
            await asyncio.sleep(0.3)
        return [f"{FAILED}a job is lost: {told.text[:_ENOUGH]}"]

    return visit


def gone(after_s: float) -> Visit:
    """A client that hangs up, in the middle of its body or while it waits."""
    body = json.dumps({"type": "tryon", "engine": "catvton", **person()}).encode()

    async def visit(http: httpx.AsyncClient, seed: int) -> Ends:
        host, port = http.base_url.host, http.base_url.port or 80
        _, writer = await asyncio.open_connection(host, port)
        head = f"POST /invocations HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        writer.write(head + (body[: len(body) // 2] if seed % 2 else body))
        await writer.drain()
        await asyncio.sleep(after_s)
        writer.close()
        return ["hung up"]

    return visit


def bad() -> Visit:
    """Requests that are almost right, each another one."""
    endless: Iterator[Attempt] = itertools.chain.from_iterable(
        attempts(valid_tryon() | {"engine": "catvton"}, seed, 1000) for seed in itertools.count()
    )

    async def visit(http: httpx.AsyncClient, seed: int) -> Ends:
        attempt = next(endless)
        response = await http.post("/invocations", content=attempt.content, headers=attempt.headers)
        wrong = complaint(response)
        designed = end_of(response) in ("worker_lost", "not_stored")  # which are 5xx
        return [f"{FAILED}{wrong}"] if wrong and not designed else ["answered"]

    return visit


def looked() -> Visit:
    """Somebody who only looks: the page, the catalogue, what there is."""
    pages = itertools.cycle(["/", "/api/models", "/api/catalogue", "/health", "/metrics", "/docs", "/nothing"])

    async def visit(http: httpx.AsyncClient, seed: int) -> Ends:
        page = next(pages)
        response = await http.get(page, headers={"Accept": "text/html"} if page == "/" else {})
        return ["done" if response.status_code == httpx.codes.OK else end_of(response)]

    return visit


def visits() -> dict[str, Visit]:
    """All kinds by name; more than one name of a kind makes it more frequent."""
    small = {"width": 96, "height": 128, "steps": 4}
    return {
        "warp": tryon("warp"),
        "catvton": tryon("catvton", **small),
        "catvton, stored": stored("catvton", **small),
        "warp, stored": stored("warp"),
        "ootdiffusion": tryon("ootdiffusion", **small),
        "NDJSON": streamed("catvton", "application/x-ndjson", **small),
        "server-sent events": streamed("ootdiffusion", "text/event-stream", **small),
        "avatar": avatar(),
        "hung up at once": gone(0.0),
        "hung up later": gone(0.5),
        "bad body": bad(),
        "looked": looked(),
    }


def client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S)
