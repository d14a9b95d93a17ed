"""A manifest of a batch: one request a line, cut into files, and matched with the answers that come back."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from common import text
from common.failures import Failed, Json


@dataclass(frozen=True)
class Outcome:
    """One line and what became of it. `problem`: None when it is done."""

    request: Json
    answer: Json | None

    @property
    def problem(self) -> Json | None:
        if self.answer is None:
            return {"code": "no_answer", "detail": "the file it was in has no output"}
        found: Json | None = self.answer.get("problem")
        return found


def read(file: Path) -> list[Json]:
    """The requests, each with an id; one that has none gets one made of its content, so that it stays the same.

    Raises:
        Failed: naming the line that is no request, or has the id of another; or the encoding.
    """
    requests: dict[str, Json] = {}
    for number, line in enumerate(text.lines_of(text.read_text(file)), 1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
        except ValueError as error:
            raise Failed(f"{file}, line {number}: not JSON: {error}") from None
        if not isinstance(request, dict):
            raise Failed(f"{file}, line {number}: expected an object, got {type(request).__name__}")
        request = {"id": hashlib.sha256(line.encode()).hexdigest()[:32], **request}
        if not isinstance(request["id"], str) or request["id"] in requests:
            raise Failed(f"{file}, line {number}: the id {request['id']!r} is another line's, or no text")
        requests[request["id"]] = request
    if not requests:
        raise Failed(f"{file} has no requests")
    return list(requests.values())


def write(file: Path, requests: Iterable[Json]) -> None:
    """As a manifest that can be read again."""
    file.write_bytes(lines_of(requests))


def lines_of(requests: Iterable[Json]) -> bytes:
    return b"".join(json.dumps(request).encode() + b"\n" for request in requests)


def cut(requests: list[Json], size: int) -> dict[str, list[Json]]:
    """Files of at most `size` requests, by name."""
    parts = [requests[i : i + size] for i in range(0, len(requests), size)]
    return {f"part-{i:05}.jsonl": part for i, part in enumerate(parts)}


def match(requests: list[Json], output: bytes | None) -> list[Outcome]:
    """The answers of one file, which are as many and in the same order; None: there is no output of it.

    Raises:
        Failed: they are not its answers.
    """
    if output is None:
        return [Outcome(request, None) for request in requests]
    answers = [json.loads(line) for line in output.splitlines() if line.strip()]
    if [answer.get("id") for answer in answers] != [request["id"] for request in requests]:
        raise Failed(f"an output has {len(answers)} answers that are not those to its {len(requests)} requests")
    return [Outcome(request, answer) for request, answer in zip(requests, answers, strict=True)]


def summary(outcomes: list[Outcome]) -> str:
    """How many are done, and how many have failed for which reason."""
    codes = Counter(outcome.problem["code"] for outcome in outcomes if outcome.problem)
    done = len(outcomes) - codes.total()
    return ", ".join([f"{done} done", *(f"{count} {code}" for code, count in codes.most_common())])
