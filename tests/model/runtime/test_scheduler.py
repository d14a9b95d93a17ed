"""What is computed next and who may hold memory, decided without a device, a thread or torch."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from model.runtime.call import Account, Call
from model.runtime.device_config import DeviceConfig
from model.runtime.scheduler import FairShares, Scheduler
from tests.server import ROOT

Ask = Callable[..., Call]


@dataclass
class Memory:
    total_bytes: int = 1000

    @property
    def job_bytes(self) -> int:
        return self.total_bytes // 2


@dataclass
class Cost:
    """So many bytes a row."""

    row_bytes: int
    known: bool = True

    def of(self, input_bytes: int) -> int:
        return self.row_bytes * input_bytes


@dataclass
class Bytes:
    """What a call's tensor is to the scheduler."""

    nbytes: int


@pytest.fixture
def ask() -> Iterator[Ask]:
    """A call that nobody has answered yet."""
    loop = asyncio.new_event_loop()

    def ask(
        account: Account, kind: Hashable = "unet", rows: int = 1, cost: Cost | None = None, content: str | None = None
    ) -> Call:
        tensors: Any = (Bytes(rows),)
        cost = cost or Cost(row_bytes=0)
        return Call(
            kind,
            rows,
            lambda calls: [None] * len(calls),
            tensors=tensors,
            content=content,
            cost=cost,
            account=account,
            answer=loop.create_future(),
        )

    yield ask
    loop.close()


def live(scheduler: Scheduler, engine: str = "tryon", resident_bytes: int = 0) -> Account:
    account = Account(engine, resident_bytes)
    scheduler.arrive(account)
    assert account.admitted.is_set()
    return account


def served(scheduler: Scheduler, elapsed_s: float = 1.0) -> list[Call]:
    """The next group, computed."""
    group = scheduler.next_group()
    scheduler.book(group, elapsed_s)
    for call in group:
        if not call.answer.done():
            call.answer.set_result(None)
    return group


def test_it_is_imported_without_torch() -> None:
    code = "import sys, model.runtime.scheduler; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_device_time_goes_by_weight_and_equal_claims_by_name() -> None:
    shares = FairShares({"tryon": 2.0})
    for engine in ("tryon", "avatar"):
        shares.returns(engine)
    order = []
    for _ in range(6):
        order.append(shares.choose(["tryon", "avatar"]))
        shares.charge(order[-1], 1.0)
    assert order == ["avatar", "tryon", "tryon", "avatar", "tryon", "tryon"]


def test_an_engine_that_was_away_starts_where_the_others_are() -> None:
    shares = FairShares({})
    shares.returns("avatar")
    for _ in range(10):
        shares.charge(shares.choose(["avatar"]), 1.0)
    shares.returns("tryon")
    order = []
    for _ in range(4):
        order.append(shares.choose(["tryon", "avatar"]))
        shares.charge(order[-1], 1.0)
    assert order == ["tryon", "avatar", "tryon", "avatar"]


def test_the_oldest_call_leads_and_those_of_its_kind_join_up_to_the_limit_of_rows(ask: Ask) -> None:
    scheduler = Scheduler(DeviceConfig(max_batch_rows=5), Memory())
    job = live(scheduler)
    calls = [ask(job, rows=2), ask(job, "vae"), ask(job, rows=2), ask(job, rows=2), ask(job, rows=1), ask(job, None)]
    for call in calls:
        scheduler.add(call)
    assert served(scheduler) == [calls[0], calls[2], calls[4]]
    assert served(scheduler) == [calls[1]]
    assert served(scheduler) == [calls[3]]
    assert served(scheduler) == [calls[5]]
    assert served(scheduler) == []


@pytest.mark.parametrize("config", [DeviceConfig(max_batch_rows=0), DeviceConfig(batching="off")])
def test_one_call_a_forward_where_sharing_is_off(ask: Ask, config: DeviceConfig) -> None:
    scheduler = Scheduler(config, Memory())
    job = live(scheduler)
    for _ in range(3):
        scheduler.add(ask(job))
    assert [len(served(scheduler)) for _ in range(4)] == [1, 1, 1, 0]


@pytest.mark.parametrize(("held", "joined"), [(100, 3), (101, 2)])
def test_a_forward_takes_what_live_jobs_and_the_cache_leave(ask: Ask, held: int, joined: int) -> None:
    scheduler = Scheduler(DeviceConfig(latent_cache_bytes=300), Memory())
    job = live(scheduler, resident_bytes=held)
    for _ in range(4):
        scheduler.add(ask(job, cost=Cost(row_bytes=200)))
    assert len(served(scheduler)) == joined


def test_before_its_first_forward_only_calls_of_one_job_share_a_network(ask: Ask) -> None:
    scheduler = Scheduler(DeviceConfig(), Memory())
    mine, other = live(scheduler), live(scheduler)
    unknown = Cost(row_bytes=1, known=False)
    calls = [ask(mine, cost=unknown), ask(other, cost=unknown), ask(mine, cost=unknown)]
    for call in calls:
        scheduler.add(call)
    assert served(scheduler) == [calls[0], calls[2]]


def test_calls_for_the_same_content_wait_for_one_and_get_its_answer(ask: Ask) -> None:
    scheduler = Scheduler(DeviceConfig(), Memory())
    job = live(scheduler)
    first, same, none = ask(job, content="a"), ask(job, content="a"), ask(job)
    for call in (first, same, none):
        scheduler.add(call)
    assert served(scheduler) == [first, none]
    assert scheduler.same_answer(first) == [same]
    assert scheduler.same_answer(none) == []


def test_a_cancelled_call_is_passed_over(ask: Ask) -> None:
    scheduler = Scheduler(DeviceConfig(), Memory())
    gone, stays = ask(live(scheduler)), ask(live(scheduler))
    for call in (gone, stays):
        scheduler.add(call)
    gone.answer.cancel()
    assert served(scheduler) == [stays]


def test_jobs_are_charged_by_their_rows(ask: Ask) -> None:
    scheduler = Scheduler(DeviceConfig(), Memory())
    small, large = live(scheduler), live(scheduler)
    scheduler.add(ask(small, rows=1))
    scheduler.add(ask(large, rows=3))
    served(scheduler, elapsed_s=8.0)
    assert (small.device_s, large.device_s) == (2.0, 6.0)


@pytest.mark.parametrize(("seconds", "passes"), [(30.0, True), (30.1, False)])
def test_a_job_that_does_not_fit_is_passed_until_its_patience_ends(seconds: float, passes: bool) -> None:
    now = 0.0
    scheduler = Scheduler(DeviceConfig(patience_s=30.0), Memory(total_bytes=200), now=lambda: now)
    first = live(scheduler, resident_bytes=50)
    large = Account("avatar", 90)
    scheduler.arrive(large)
    now = seconds
    small = Account("tryon", 20)
    scheduler.arrive(small)
    assert small.admitted.is_set() == passes
    scheduler.leave(first)
    assert large.admitted.is_set() != passes
    assert scheduler.live_jobs == [small if passes else large]


def test_with_little_memory_one_job_is_live_whatever_its_engine() -> None:
    scheduler = Scheduler(DeviceConfig(memory_profile="low"), Memory())
    first = live(scheduler)
    second = Account("avatar", 0)
    scheduler.arrive(second)
    assert not second.admitted.is_set()
    scheduler.leave(first)
    assert second.admitted.is_set()


def test_a_parked_call_comes_back_when_a_job_ends(ask: Ask) -> None:
    scheduler = Scheduler(DeviceConfig(), Memory())
    old, young = live(scheduler), live(scheduler)
    call = ask(old)
    scheduler.add(call)
    scheduler.next_group()
    assert scheduler.park(call) == []
    assert scheduler.next_group() == []
    scheduler.leave(young)
    assert scheduler.next_group() == [call]


def test_when_all_live_jobs_are_parked_the_calls_of_the_youngest_give_way(ask: Ask) -> None:
    scheduler = Scheduler(DeviceConfig(), Memory())
    old, young = live(scheduler), live(scheduler)
    one, two, cancelled = ask(young), ask(young), ask(old)
    assert [scheduler.park(call) for call in (one, two)] == [[], []]
    cancelled.answer.cancel()
    assert scheduler.park(cancelled) == []
    assert scheduler.park(ask(old)) == [one, two]
