"""The queue in front of the device: sharing, fairness, cancelling and memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from threading import Event

import pytest
import torch
from torch import Tensor, nn

from model.device import Batching, Device
from model.device_errors import CrowdedError
from model.errors import DeviceLostError, DeviceMemoryError

CPU = torch.device("cpu")


class Recorder(nn.Module):
    """Doubles its rows and remembers how many came in each forward. Breaks as it is told."""

    def __init__(self, fits_rows: int = 1000) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.fits_rows = fits_rows

    def forward(self, rows: Tensor) -> Tensor:
        self.seen.append(len(rows))
        if len(rows) > self.fits_rows:
            raise torch.OutOfMemoryError("the card is full")
        if (rows < 0).any():
            raise RuntimeError("negative rows")
        return rows * 2


def run(main: Callable[[Device], Awaitable[None]], device: Device) -> None:
    async def body() -> None:
        async with asyncio.timeout(20):
            await main(device)

    try:
        asyncio.run(body())
    finally:
        device.close()


async def steps(device: Device, engine: str, count: int, call: Callable[[int], Awaitable[Tensor]]) -> list[float]:
    """A pipeline of `count` calls in a row; returns the first number of every answer."""
    async with device.live(engine, 0):
        return [float((await call(i)).flatten()[0]) for i in range(count)]


def row(value: float, count: int = 1) -> Tensor:
    return torch.full((count, 3), float(value))


def test_calls_of_several_jobs_share_forwards_and_each_gets_its_own_rows() -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        jobs = [steps(device, "tryon", 5, lambda i, j=j: network(row(10 * j + i))) for j in range(4)]  # type: ignore[misc]
        answers = await asyncio.gather(*jobs)
        assert answers == [[2 * (10 * j + i) for i in range(5)] for j in range(4)]
        assert max(module.seen) == 4
        assert device.stats.rows[4] >= 4

    run(main, Device(CPU))


@pytest.mark.parametrize("max_batch_rows", [0, 8])
def test_calls_for_the_same_content_at_the_same_time_are_computed_once(max_batch_rows: int) -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        contents = ["a", "b", "a", None, None, "a"]
        calls = [lambda i, j=j: network(row(j), content=contents[j]) for j in range(6)]
        answers = await asyncio.gather(*[steps(device, "tryon", 1, call) for call in calls])
        assert answers == [[0], [2], [0], [6], [8], [0]]
        assert sum(module.seen) == 4
        assert await steps(device, "tryon", 1, lambda i: network(row(7), content="a")) == [14]  # nothing is kept

    run(main, Device(CPU, max_batch_rows=max_batch_rows))


def test_zero_batch_rows_means_one_call_a_forward() -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        await asyncio.gather(*[steps(device, "tryon", 3, lambda i: network(row(i))) for _ in range(4)])
        assert module.seen == [1] * 12

    run(main, Device(CPU, max_batch_rows=0))


@pytest.mark.parametrize(("limit", "largest"), [(5, 4), (6, 6)])
def test_a_forward_never_joins_more_rows_than_the_limit(limit: int, largest: int) -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        await asyncio.gather(*[steps(device, "tryon", 4, lambda i: network(row(i, 2))) for _ in range(3)])
        assert max(module.seen) == largest

    run(main, Device(CPU, max_batch_rows=limit))


@pytest.mark.parametrize(("batching", "largest"), [("steps", 4), ("requests", 3), ("off", 1)])
def test_answers_are_the_same_however_jobs_come_together(batching: Batching, largest: int) -> None:
    """The first of four is alone when it comes: with "requests" the other three wait for its end."""
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        jobs = [steps(device, "tryon", 3 + j, lambda i, j=j: network(row(10 * j + i))) for j in range(4)]  # type: ignore[misc]
        answers = await asyncio.gather(*jobs)
        assert answers == [[2 * (10 * j + i) for i in range(3 + j)] for j in range(4)]
        assert max(module.seen) == largest

    run(main, Device(CPU, batching=batching))


def test_off_shares_nothing_even_within_a_job() -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        async with device.live("tryon", 0):
            await asyncio.gather(network(row(1)), network(row(2)))
        assert module.seen == [1, 1]

    run(main, Device(CPU, batching="off"))


def test_calls_of_another_key_shape_or_dtype_never_share() -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        calls = [
            lambda i: network(torch.zeros(1, 3)),
            lambda i: network(torch.zeros(1, 4)),
            lambda i: network(torch.zeros(1, 3, dtype=torch.float64)),
            lambda i: network(torch.zeros(1, 3), key="unconditional"),
        ]
        await asyncio.gather(*[steps(device, "tryon", 1, call) for call in calls])
        assert module.seen == [1, 1, 1, 1]

    run(main, Device(CPU))


def test_rows_that_are_no_whole_number_of_atoms_are_refused() -> None:
    async def main(device: Device) -> None:
        network = device.batched(Recorder(), atom=6)
        with pytest.raises(ValueError, match="6 rows"):
            await steps(device, "avatar", 1, lambda i: network(row(0, 5)))
        assert await steps(device, "avatar", 1, lambda i: network(row(1, 6))) == [2]

    run(main, Device(CPU))


class Slow(nn.Module):
    """Takes `seconds` a forward, whatever comes in."""

    def __init__(self, seconds: float, log: list[str], name: str) -> None:
        super().__init__()
        self.pause = torch.tensor(seconds)
        self.log = log
        self.name = name

    def forward(self, rows: Tensor) -> Tensor:
        self.log.append(self.name)
        time.sleep(float(self.pause))
        return rows


@pytest.mark.parametrize(("share", "low", "high"), [(1.0, 3, 7), (3.0, 10, 20)])
def test_engines_get_device_time_by_their_shares_not_by_their_calls(share: float, low: int, high: int) -> None:
    """`fast` takes a fifth of the time of `slow` per forward, so at equal shares it gets five forwards for one."""
    log: list[str] = []

    async def main(device: Device) -> None:
        slow, fast = device.batched(Slow(0.02, log, "slow")), device.batched(Slow(0.004, log, "fast"))
        await asyncio.gather(
            steps(device, "avatar", 6, lambda i: slow(row(i))),
            steps(device, "tryon", 200, lambda i: fast(row(i))),
        )
        between = "".join("s" if name == "slow" else "f" for name in log).strip("f").split("s")[1:-1]
        assert low <= sorted(map(len, between))[len(between) // 2] <= high

    run(main, Device(CPU, shares={"tryon": share}))


def test_an_engines_host_work_does_not_wait_for_that_of_another() -> None:
    async def main(device: Device) -> None:
        goes_on = Event()

        async def work(engine: str, fn: Callable[[], object]) -> object:
            async with device.live(engine, 0):
                return await device.cpu(fn)

        long = [work("avatar", lambda: goes_on.wait(5)) for _ in range(8)]
        *in_time, _ = await asyncio.gather(*long, work("tryon", goes_on.set))
        assert all(in_time)

    run(main, Device(CPU))


def test_an_engine_that_was_idle_has_saved_up_no_claim() -> None:
    log: list[str] = []

    async def main(device: Device) -> None:
        early, late = device.batched(Slow(0.005, log, "early")), device.batched(Slow(0.005, log, "late"))

        async def come_later() -> None:
            while len(log) < 25:
                await asyncio.sleep(0.001)
            await steps(device, "tryon", 10, lambda i: late(row(i)))

        await asyncio.gather(steps(device, "avatar", 60, lambda i: early(row(i))), come_later())
        first, last = log.index("late"), len(log) - log[::-1].index("late")
        assert log[first:last].count("early") >= 8

    run(main, Device(CPU))


def test_a_cancelled_caller_leaves_and_the_others_go_on() -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        leaver = asyncio.create_task(steps(device, "tryon", 10_000, lambda i: network(row(i))))
        stayer = asyncio.create_task(steps(device, "tryon", 50, lambda i: network(row(i))))
        while len(module.seen) < 10:
            await asyncio.sleep(0)
        leaver.cancel()
        assert await stayer == [2 * i for i in range(50)]
        forwards = len(module.seen)
        await asyncio.sleep(0.02)
        assert len(module.seen) == forwards
        with pytest.raises(asyncio.CancelledError):
            await leaver

    run(main, Device(CPU))


def test_an_error_reaches_only_the_caller_that_caused_it() -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        answers = await asyncio.gather(
            steps(device, "tryon", 1, lambda i: network(row(1))),
            steps(device, "tryon", 1, lambda i: network(row(-1))),
            steps(device, "tryon", 1, lambda i: network(row(2))),
            return_exceptions=True,
        )
        assert answers[0] == [2]
        assert isinstance(answers[1], RuntimeError)
        assert answers[2] == [4]

    run(main, Device(CPU))


def test_a_forward_that_does_not_fit_is_halved_between_atoms() -> None:
    module = Recorder(fits_rows=4)

    async def main(device: Device) -> None:
        network = device.batched(module, atom=2)
        async with device.live("tryon", 0):
            answer = await network(torch.arange(10.0)[:, None])
        assert torch.equal(answer, 2 * torch.arange(10.0)[:, None])
        assert max(rows for rows in module.seen[1:]) <= 6
        assert all(rows % 2 == 0 for rows in module.seen)

    run(main, Device(CPU))


def test_a_job_that_does_not_fit_even_alone_fails_as_out_of_memory() -> None:
    async def main(device: Device) -> None:
        network = device.batched(Recorder(fits_rows=0))
        with pytest.raises(DeviceMemoryError):
            await steps(device, "tryon", 1, lambda i: network(row(0)))

    run(main, Device(CPU))


class OnlyHalf(nn.Module):
    """As much as there is memory for, of rows of any length."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def forward(self, rows: Tensor) -> Tensor:
        taken = torch.empty((0 if rows.numel() <= self.most else 2**60,), dtype=torch.uint8)  # more than there is
        return rows + len(taken)


@pytest.mark.parametrize(("rows", "length", "expected"), [(4, 3, None), (1, 9, -1), (2, 9, -1), (1, 90, "507")])
def test_what_does_not_fit_even_alone_is_computed_in_the_lean_form(
    rows: int, length: int, expected: int | str | None
) -> None:
    class Lean(OnlyHalf):
        def forward(self, rows: Tensor) -> Tensor:
            return -super().forward(rows)

    told: list[str] = []

    async def main(device: Device) -> None:
        network = device.batched(OnlyHalf(most=3), lean=Lean(most=9))
        async with device.live("tryon", 0):
            call = network(torch.ones(rows, length), on_lean=lambda: told.append("lean"))
            if expected == "507":
                with pytest.raises(DeviceMemoryError):
                    await call
            else:
                assert torch.equal(await call, torch.full((rows, length), float(expected or 1)))
        assert told == ([] if expected is None else ["lean"])

    run(main, Device(CPU))


def test_in_company_the_exact_form_is_waited_for() -> None:
    exact, told = OnlyHalf(most=0), []

    async def main(device: Device) -> None:
        network, other = device.batched(exact, lean=nn.ReLU()), device.batched(Recorder())

        async def neighbour() -> None:
            async with device.live("avatar", 0):
                for _ in range(20):
                    await other(row(0))
                exact.most = 100

        async def job() -> Tensor:
            async with device.live("tryon", 0):
                answer: Tensor = await network(row(-3), on_lean=lambda: told.append("lean"))
                return answer

        answer, _ = await asyncio.gather(job(), neighbour())
        assert torch.equal(answer, row(-3))
        assert told == []

    run(main, Device(CPU))


def test_a_call_that_does_not_fit_in_company_waits_until_the_company_has_left() -> None:
    module = Recorder(fits_rows=0)

    async def main(device: Device) -> None:
        network, other = device.batched(module), device.batched(Recorder())

        async def hog() -> None:
            async with device.live("avatar", 0):
                while not module.seen:
                    await other(row(0))
                await asyncio.sleep(0.02)
                module.fits_rows = 1000

        answer, _ = await asyncio.gather(steps(device, "tryon", 1, lambda i: network(row(3))), hog())
        assert answer == [6]
        assert len(module.seen) == 2

    run(main, Device(CPU))


@pytest.mark.parametrize("content", [None, "the same"])
def test_when_all_live_jobs_wait_for_memory_the_youngest_is_sent_away(content: str | None) -> None:
    module = Recorder(fits_rows=0)

    async def main(device: Device) -> None:
        network = device.batched(module)
        old = asyncio.create_task(steps(device, "tryon", 1, lambda i: network(row(0), content=content)))
        await asyncio.sleep(0)
        young = asyncio.create_task(steps(device, "tryon", 1, lambda i: network(row(0), content=content)))
        with pytest.raises(CrowdedError):
            await young
        with pytest.raises(DeviceMemoryError):  # alone by now
            await old

    run(main, Device(CPU))


def test_a_broken_context_is_reported_as_a_lost_device() -> None:
    async def main(device: Device) -> None:
        def broken() -> None:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

        async with device.live("tryon", 0):
            with pytest.raises(DeviceLostError):
                await device.run(broken)

    run(main, Device(CPU))


@pytest.fixture
def order() -> list[str]:
    return []


async def hold(
    device: Device, name: str, resident_bytes: int, order: list[str], leave: asyncio.Event, engine: str = "tryon"
) -> None:
    async with device.live(engine, resident_bytes):
        order.append(name)
        await leave.wait()


def test_jobs_go_live_in_order_as_their_memory_fits_and_one_always_may(order: list[str]) -> None:
    async def main(device: Device) -> None:
        leave = {name: asyncio.Event() for name in ("huge", "half", "other half", "small")}
        sizes = {"huge": 1000, "half": 50, "other half": 50, "small": 1}
        jobs = [asyncio.create_task(hold(device, n, sizes[n], order, leave[n])) for n in sizes]
        await asyncio.sleep(0.01)
        assert order == ["huge"]
        leave["huge"].set()
        await asyncio.sleep(0.01)
        assert order == ["huge", "half", "other half"]
        for event in leave.values():
            event.set()
        await asyncio.gather(*jobs)
        assert order[-1] == "small"

    run(main, Device(CPU, memory_bytes=200))


def test_no_more_jobs_are_live_than_the_setting_says(order: list[str]) -> None:
    async def main(device: Device) -> None:
        leave = asyncio.Event()
        jobs = [asyncio.create_task(hold(device, str(i), 0, order, leave)) for i in range(3)]
        await asyncio.sleep(0.01)
        assert order == ["0", "1"]
        jobs[0].cancel()
        await asyncio.sleep(0.01)
        assert order == ["0", "1", "2"]
        leave.set()
        await asyncio.gather(*jobs, return_exceptions=True)

    run(main, Device(CPU, max_live_jobs=2))


def test_with_requests_nobody_joins_and_those_that_waited_start_together(order: list[str]) -> None:
    async def main(device: Device) -> None:
        leave = {name: asyncio.Event() for name in ("first", "second", "left", "third", "fourth")}
        jobs = {name: asyncio.create_task(hold(device, name, 0, order, leave[name])) for name in leave}
        other = asyncio.create_task(hold(device, "other engine", 0, order, leave["first"], engine="avatar"))
        await asyncio.sleep(0.01)
        assert order == ["first", "other engine"]
        jobs["left"].cancel()
        leave["first"].set()
        await asyncio.sleep(0.01)
        assert order[2:] == ["second", "third"]  # two places
        leave["second"].set()
        await asyncio.sleep(0.01)
        assert order[4:] == []
        leave["third"].set()
        await asyncio.sleep(0.01)
        assert order[4:] == ["fourth"]
        leave["fourth"].set()
        await asyncio.gather(*jobs.values(), other, return_exceptions=True)

    run(main, Device(CPU, max_live_jobs=2, batching="requests"))


@pytest.mark.parametrize(("patience_s", "expected"), [(60, ["first", "small"]), (0, ["first"])])
def test_a_job_that_does_not_fit_lets_other_engines_pass_for_a_while(
    order: list[str], patience_s: float, expected: list[str]
) -> None:
    async def main(device: Device) -> None:
        leave = asyncio.Event()
        jobs = [
            asyncio.create_task(hold(device, "first", 50, order, leave)),
            asyncio.create_task(hold(device, "large", 90, order, leave, engine="avatar")),
        ]
        await asyncio.sleep(0.01)
        jobs.append(asyncio.create_task(hold(device, "small", 20, order, leave)))
        await asyncio.sleep(0.01)
        assert order == expected
        leave.set()
        await asyncio.gather(*jobs)
        assert sorted(order) == ["first", "large", "small"]

    run(main, Device(CPU, memory_bytes=200, patience_s=patience_s))


def test_one_engine_cannot_take_all_places(order: list[str]) -> None:
    async def main(device: Device) -> None:
        leave = asyncio.Event()
        jobs = [asyncio.create_task(hold(device, f"avatar {i}", 0, order, leave, engine="avatar")) for i in range(3)]
        jobs.append(asyncio.create_task(hold(device, "tryon", 0, order, leave)))
        await asyncio.sleep(0.01)
        assert order == ["avatar 0", "avatar 1", "tryon"]
        leave.set()
        await asyncio.gather(*jobs)

    run(main, Device(CPU, max_live_jobs=2))


def test_a_job_cancelled_before_it_is_live_leaves_no_trace(order: list[str]) -> None:
    async def main(device: Device) -> None:
        leave = asyncio.Event()
        first = asyncio.create_task(hold(device, "first", 0, order, leave))
        second = asyncio.create_task(hold(device, "second", 0, order, leave))
        third = asyncio.create_task(hold(device, "third", 0, order, leave))
        await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.sleep(0)
        leave.set()
        await asyncio.gather(first, third)
        assert order == ["first", "third"]

    run(main, Device(CPU, max_live_jobs=1))


def test_networks_run_without_gradients_and_other_work_may_turn_them_on() -> None:
    async def main(device: Device) -> None:
        weight = torch.ones(1, requires_grad=True)

        def optimise() -> float:
            with torch.enable_grad():
                (weight * 3).sum().backward()  # type: ignore[no-untyped-call]
            assert weight.grad is not None
            return float(weight.grad)

        async with device.live("avatar", 0) as account:
            assert not (await device.batched(nn.Linear(3, 3))(row(0.0))).requires_grad
            assert await device.run(optimise) == 3
            assert account.device_s > 0

    run(main, Device(CPU))
