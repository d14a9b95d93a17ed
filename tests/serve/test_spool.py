"""Job directories: whose they are, and when they are erased."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve.marks import Settled
from serve.spool import Spool

TTL_S = 60.0


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", min_free_bytes=0, ttl_s=TTL_S)
    yield spool
    spool.close()


def settled(spool: Spool, job_id: str, age_s: float) -> Path:
    """A job that was answered so long ago."""
    directory = spool.claim(job_id)
    directory.settle(Settled(digest=""))
    answer = directory.path / "answer.json"
    answered = answer.stat().st_mtime - age_s
    os.utime(answer, (answered, answered))
    return directory.path


def test_answers_are_erased_when_their_time_is_over_and_not_before(spool: Spool) -> None:
    old, young = settled(spool, "old", TTL_S + 30), settled(spool, "young", TTL_S - 30)
    spool.erase_expired(spool.expired())
    assert (old.exists(), young.exists()) == (False, True)


def test_an_id_that_is_claimed_anew_while_old_answers_are_looked_for_is_not_erased(spool: Spool) -> None:
    settled(spool, "again", TTL_S + 30)
    found = spool.expired()
    claimed = spool.claim("again")
    spool.erase_expired(found)
    assert claimed.inputs.is_dir()


def test_nobody_else_may_look_into_the_spool(spool: Spool) -> None:
    job = spool.claim("mine")
    for folder in (job.path.parent, job.path):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
