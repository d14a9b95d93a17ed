"""The studio: what its page weighs, when it paints, and what twenty people see who click at once."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from playwright.sync_api import Browser

from bench.report import Report, Row, Target
from bench.soak.visitors import person
from tests.browser import chromium, new_page
from tests.server import Server, serving

LOADS, PEOPLE = 5, 20
MOST_BYTES, MOST_PAINT_MS, MOST_BLIND_S = 1_000_000, 1000.0, 1.0
_POLL_S = 0.2
_TIMEOUT_S = 600
_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") done(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""


def main() -> None:
    report = Report(
        name="studio",
        title="The studio",
        how=f"The built-in pack behind its page, in headless Chromium on the same machine: {LOADS} loads without a "
        "cache, bytes as they came over the wire, first contentful paint (medians). Then, on a server that has "
        f"just started, {PEOPLE} people hand a try-on in at once, each by a job as the page does, and look every "
        f"{_POLL_S:g} s how far it is; then {PEOPLE} more. Blind: seconds until a look told an expected end.",
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), module="container", STUDIO=1, ENGINES="tryon") as server,
    ):
        first, later = (asyncio.run(crowd(server.url, seed)) for seed in (0, PEOPLE))
        with chromium() as browser:
            loads = [load(browser, server) for _ in range(LOADS)]
    paint_ms, weight, requests = (median(values) for values in zip(*loads, strict=True))
    report.rows = [{"page": "/", "requests": requests, "kB over the wire": weight / 1000, "first paint ms": paint_ms}]
    report.more = {f"{PEOPLE} people at once, the first of all": first, f"{PEOPLE} more": later}
    report.targets = [
        Target("the page over the wire", weight, MOST_BYTES, "bytes"),
        Target("first contentful paint", paint_ms, MOST_PAINT_MS, "ms"),
        *(
            Target(f"longest without a place and an expected end, {who}", blind_s(rows), MOST_BLIND_S, "s")
            for who, rows in (("the first people", first), ("later ones", later))
        ),
        Target("people without a result", sum(row["ended"] != "done" for row in [*first, *later]), 0, ""),
    ]
    report.publish()


def load(browser: Browser, server: Server) -> tuple[float, float, float]:
    """Of one visit: milliseconds to the first contentful paint, bytes over the wire, and how many requests."""
    with new_page(browser, viewport={"width": 1280, "height": 860}) as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        received: list[float] = []
        session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
        page.goto(server.url, wait_until="networkidle")
        return float(page.evaluate(_PAINT)), sum(received), float(len(received))


async def crowd(url: str, seed: int) -> list[Row]:
    """What each of the people saw."""
    body = {"type": "tryon", "engine": "catvton", **person(), "output": {"inline": True}}
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S) as http:
        return await asyncio.gather(*(one(http, body | {"seed": seed + number}) for number in range(PEOPLE)))


async def one(http: httpx.AsyncClient, body: dict[str, Any]) -> Row:
    """One who clicks, looks, and looks again."""
    taken = await http.post("/api/jobs", json=body)
    if taken.status_code != httpx.codes.ACCEPTED:
        return {"first place": "", "first expected s": "", "blind s": 0.0, "s": 0.0, "ended": taken.json()["code"]}
    began, first, seen_s = time.monotonic(), "", None
    expected = ""
    while (job := (await http.get(taken.json()["url"])).json())["state"] in ("queued", "running"):
        progress = job["progress"]
        first = first or str(progress["position"])
        if seen_s is None and progress["expected_s"] is not None:
            seen_s, expected = time.monotonic() - began, str(progress["expected_s"])
        await asyncio.sleep(_POLL_S)
    took_s = time.monotonic() - began
    blind = took_s if seen_s is None else seen_s
    return {"first place": first, "first expected s": expected, "blind s": blind, "s": took_s, "ended": job["state"]}


def blind_s(rows: list[Row]) -> float:
    return max(float(row["blind s"]) for row in rows)


if __name__ == "__main__":
    main()
