"""Requests that are almost right, to every route there is, all earlier services' clients among them."""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from bench.fuzz import AT_ONCE, MOST_GROWTH, PROCESSES, growth, row, warm_up
from bench.report import Report, Target
from model.samples.samples import small_sample
from serve.clients.names import CLIENT_NAMES
from tests.fuzz import ACCEPTS, ODD, mutated, torn, valid_tryon
from tests.server import Server, serving
from tests.untrained import untrained_pack

REQUESTS, BLOCKS, WARM_UP_SHARE = 100_000, 20, 10
KNOWN = "fuzz-known"  # the id of a job, the slug of a garment
FIELDS = (
    *("person_image_url", "upper_cloth_url", "human_image_url", "garment_image_url", "model_image", "model_name"),
    *(
        "inputs",
        "data_dir",
        "output_dir",
        "extra_args",
        "garment_image",
        "cloth_image",
        "userId",
        "category",
        "webhook",
    ),
    *("samples", "prompt", "num_inference_steps", "items", "requests", "", "__proto__", "input", "job_id"),
)
FAL_REQUEST = "/queue/fal-ai/cat-vton/requests/{id}"
UNLISTED = (
    *(("GET", "/"), ("GET", "/studio/{file}"), ("HEAD", "/api/jobs/{job_id}"), ("POST", "/nothing"), ("PUT", "/ping")),
    *(("POST", "/v1/run"), ("GET", "/v1/status/{id}")),
    *(("POST", "/vto"), ("GET", "/clothes"), ("GET", "/result/{filename}")),
    *(("POST", "/api/v1/tryon"), ("POST", "/api/v1/batch"), ("GET", "/api/v1/batch/{id}"), ("GET", "/api/v1/health")),
    *(("GET", "/api/v1/model/info"), ("GET", "/api/v1/metrics")),
    *(("POST", "/fal-ai/cat-vton"), ("POST", "/queue/fal-ai/cat-vton"), ("GET", f"{FAL_REQUEST}/status")),
    *(("PUT", f"{FAL_REQUEST}/cancel"), ("GET", FAL_REQUEST)),
)
NAMES = (KNOWN, "result.png", "..", "%2e%2e%2f", "a" * 300, "é", "\x00", "0", "-", "nothing", "x y", "?", "*", "job:1")
HEADERS: dict[str, tuple[str, ...]] = {
    "Accept": (*ACCEPTS, "text/html", "text/event-stream"),
    "Range": ("bytes=0-1", "bytes=-1", "bytes=9-1", "bytes=x", "bytes=0-1,3-4", "lines=1"),
    "If-None-Match": ("*", '"x"', "W/", ""),
    "Last-Event-ID": ("answer", "end", "1", "-1", "x" * 200),
    "Content-Type": ("application/json", "multipart/form-data; boundary=b", "application/x-ndjson", "text/plain", ""),
    "X-Amzn-SageMaker-Inference-Id": ("order 17/2", "..", "x" * 65),
    "traceparent": ("00-0-0-0", "x"),
}
_SERVER_ERRORS = range(500, 600)
_DESIGNED = frozenset({502, 503, 504})  # not stored, draining, too late
_MOST_PROBLEM_BYTES = 2048
_TIMEOUT_S = 600


@dataclass(frozen=True)
class RouteAttempt:
    """One request to send."""

    method: str
    url: str
    content: bytes
    headers: dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.fuzz_routes", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--minutes", type=float, default=24 * 60, help="no further block after so many")
    options = parser.parse_args()
    report = Report(name="fuzz_routes", title="Requests that are almost right, to every route", how="")
    block, until = max(options.requests // BLOCKS, 1), time.monotonic() + 60 * options.minutes
    seen = Seen()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), module="container", **settings(folder)) as server,
    ):
        routes = routes_of(server)
        warm_up(server)
        send_all(server, islice(attempts(routes, 1), options.requests // WARM_UP_SHARE))
        report.rows.append(row(server, 0, 0))
        sending = attempts(routes, 0)
        while seen.requests < options.requests and time.monotonic() < until:
            for status, wrong in send_all(server, islice(sending, block)):
                seen.note(status, wrong)
            report.rows.append(row(server, seen.requests, len(seen.complaints)))
            conclude(report, seen, len(routes))
            report.save()  # one that is ended early has been worth it
    for wrong in seen.complaints[:20]:
        print(wrong)
    report.publish()


def settings(folder: str) -> dict[str, Any]:
    """Of a server with all routes and a catalogue of one garment."""
    (catalogue := Path(folder, "catalogue")).mkdir()
    (catalogue / f"{KNOWN}.png").write_bytes(small_sample()["garment"].read_bytes())
    return {
        "MODEL_DIR": untrained_pack(),
        "ENGINES": "tryon",
        "JOB_TTL_S": 30,
        "STUDIO": 1,
        "CLIENTS": ",".join(CLIENT_NAMES),
        "CATALOGUE": f"file://{catalogue}/",
        "LATENT_CACHE_BYTES": 0,
        "VESAKI_LIMITS": "100000/second,100000/second,100000/second",
    }


@dataclass
class Seen:
    """What was answered."""

    complaints: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return self.statuses.total()

    def note(self, status: int, wrong: str | None) -> None:
        """One answer more."""
        self.statuses[status] += 1
        self.complaints += [wrong] if wrong else []


def conclude(report: Report, seen: Seen, routes: int) -> None:
    """What can be said so far."""
    report.how = (
        f"{seen.requests} requests, {AT_ONCE} at once, to all routes that `/openapi.json` names, with every "
        "client of `CLIENTS` and a catalogue (untrained pack): odd names, queries, headers and bodies. A complaint is "
        f"a 5xx that nobody has designed, or a problem of {_MOST_PROBLEM_BYTES} bytes and more. Memory as in "
        "`bench.fuzz`; the first row is after what warms up there, and a tenth as many others as were planned. "
        f"Routes: {routes}."
    )
    report.more = {"Answers": [{"status": f"{status}", "answers": n} for status, n in sorted(seen.statuses.items())]}
    report.targets = [
        Target("complaints", len(seen.complaints), 0, ""),
        *(
            Target(f"growth of the {name} over {seen.requests} requests", growth(report.rows, name), MOST_GROWTH, "%")
            for name in PROCESSES
        ),
    ]


def routes_of(server: Server) -> list[tuple[str, str]]:
    """Method and path of every route."""
    paths = server.client.get("/openapi.json").json()["paths"]
    listed = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    return [*listed, *UNLISTED]


def attempts(routes: Sequence[tuple[str, str]], seed: int) -> Iterator[RouteAttempt]:
    """Without end; the same seed, the same requests."""
    dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
    valid = valid_tryon()
    posts = [route for route in routes if route[0] == "POST"]
    while True:
        method, path = dice.choice(posts if dice.random() < 0.6 else routes)
        url = re.sub(r"\{\w+\}", lambda _: quote(dice.choice(NAMES), safe="%"), path)
        if dice.random() < 0.3:
            value = quote(str(dice.choice(ODD))[:80], errors="replace")
            url += f"?{dice.choice(('max_side', 'exp', 'sig', 'category'))}={value}"
        headers = {name: dice.choice(HEADERS[name]) for name in dice.sample(list(HEADERS), dice.randint(0, 3))}
        content = b""
        if method in ("POST", "PUT"):
            headers.setdefault("Content-Type", "application/json")
            content = body(valid, dice)
        yield RouteAttempt(method, url, content, headers)


def body(valid: dict[str, Any], dice: random.Random) -> bytes:
    """A try-on of ours with something wrong, or fields of others' requests with odd values."""
    if dice.random() < 0.5:
        fields = mutated(valid | ({"id": KNOWN} if dice.random() < 0.1 else {}), dice)
    else:
        pictures = (valid["person"], valid["garment"])
        fields = {
            dice.choice(FIELDS): dice.choice(pictures) if dice.random() < 0.4 else dice.choice(ODD)
            for _ in range(dice.randint(0, 5))
        }
    written = json.dumps(fields).encode()
    return torn(written, dice) if dice.random() < 0.1 else written


def send_all(server: Server, block: Iterator[RouteAttempt]) -> list[tuple[int, str | None]]:
    """Of each answer its status, and what is wrong with it."""
    with httpx.Client(base_url=server.url, timeout=_TIMEOUT_S) as http, ThreadPoolExecutor(AT_ONCE) as pool:

        def send(attempt: RouteAttempt) -> tuple[int, str | None]:
            began = time.monotonic()
            response = http.request(attempt.method, attempt.url, content=attempt.content, headers=attempt.headers)
            wrong = complaint(response)
            took = f"after {time.monotonic() - began:.1f} s"
            told = f"{wrong} {took}\nto {attempt.method} {attempt.url} {attempt.headers} {attempt.content[:500]!r}"
            return response.status_code, told if wrong else None

        return list(pool.map(send, block))


def complaint(response: httpx.Response) -> str | None:
    if response.status_code in _SERVER_ERRORS and response.status_code not in _DESIGNED:
        return f"{response.status_code}: {response.text[:300]}"
    is_problem = response.headers.get("content-type") == "application/problem+json"
    if is_problem and len(response.content) >= _MOST_PROBLEM_BYTES:
        return f"a problem of {len(response.content)} bytes"
    return None


if __name__ == "__main__":
    main()
