"""Visitors and the storage they are stored in, in a process of their own: they must not take the watcher's time."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import multiprocessing
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import httpx

from bench.soak.visitors import FAILED, Ends, client, visits
from tests.conftest import Bucket, MotoProcess
from tests.faulty_s3 import bad_weather, faulty_s3

AT_ONCE = 6
ONE_IN = 20  # requests to S3 that fail
_MOST_PAUSE_S = 0.3
_JOINED_S = 900


@dataclass
class Tally:
    """kinds: by visitor, how many ended how. wrong: what nobody has designed. mixed: stored results whose files are not
    the ones their manifest names. unfinished: folders without a manifest."""

    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    mixed: int = 0
    stored: int = 0
    unfinished: int = 0

    def note(self, kind: str, ends: Ends) -> None:
        """One request more."""
        counted = self.kinds.setdefault(kind, Counter())
        end = ends[0] if len(ends) == 1 else f"{FAILED}{len(ends)} ends: {ends}"
        counted["failed" if end.startswith(FAILED) else end] += 1
        if end.startswith(FAILED):
            self.wrong.append(f"{kind}: {end}")


@dataclass(frozen=True)
class Crowd:
    """A crowd seen from outside. While `open` is set it comes; `s3_url` is where its storage listens."""

    open: Event
    over: Event
    s3_url: str
    _pipe: Connection

    def come_to(self, url: str) -> None:
        self._pipe.send(url)
        self.open.set()

    def leave(self) -> Tally:
        """What has come of all requests."""
        self.over.set()
        self.open.set()
        tally: Tally = self._pipe.recv()
        return tally


@contextmanager
def crowd() -> Iterator[Crowd]:
    """A process with visitors and an S3 that fails."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    opened, over = context.Event(), context.Event()
    process = context.Process(target=_crowd, args=(theirs, opened, over))
    process.start()
    try:
        yield Crowd(opened, over, mine.recv(), mine)
    finally:
        over.set()
        opened.set()
        process.join(_JOINED_S)
        process.kill()


def _crowd(pipe: Connection, opened: Event, over: Event) -> None:
    with tempfile.TemporaryDirectory() as folder:
        moto = MotoProcess(Path(folder, "moto.log"))
        try:
            bucket = Bucket(moto.url)
            with faulty_s3(moto.url) as s3:
                pipe.send(s3.url)
                url = pipe.recv()
                s3.weather = bad_weather(1 / ONE_IN, seed=1)
                tally = asyncio.run(_all_visitors(url, opened, over))
                tally.faults = s3.met
            _look_at_storage(bucket, tally)
            pipe.send(tally)
        finally:
            moto.stop()


async def _all_visitors(url: str, opened: Event, over: Event) -> Tally:
    tally, kinds, numbers = Tally(), visits(), itertools.count(1)
    dice = random.Random(1)  # noqa: S311 - reproducible
    turns = itertools.cycle(kinds)  # each kind as often as the others

    async def one_after_another() -> None:
        async with client(url) as http:
            while not over.is_set():
                if not opened.is_set():
                    await asyncio.sleep(0.1)
                    continue
                kind = next(turns)
                try:
                    ends = await kinds[kind](http, next(numbers))
                except httpx.HTTPError as error:
                    ends = [f"{FAILED}{type(error).__name__} {error}"]
                tally.note(kind, ends)
                await asyncio.sleep(dice.uniform(0, _MOST_PAUSE_S))

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return tally


def _look_at_storage(bucket: Bucket, tally: Tally) -> None:
    """Whether each stored result is whole."""
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix="out/")
    keys = {found["Key"] for page in pages for found in page.get("Contents", [])}
    for folder in {key.rsplit("/", 1)[0] for key in keys}:
        if f"{folder}/manifest.json" not in keys:
            tally.unfinished += 1
            continue
        tally.stored += 1
        manifest = json.loads(bucket.read(f"s3://{bucket.name}/{folder}/manifest.json"))
        files = manifest["answer"]["outputs"]
        tally.mixed += any(hashlib.sha256(bucket.read(file["uri"])).hexdigest() != file["sha256"] for file in files)
