"""The queue in front of the device: sharing, fairness and cancelling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event

import pytest
import torch
from torch import Tensor, nn

from model.errors import DeviceLostError
from model.runtime.device import Device
from model.runtime.device_config import Batching, DeviceConfig
from tests.model.runtime.on_device import CPU, Recorder, row, run, steps


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

    run(main, Device(CPU, config=DeviceConfig(max_batch_rows=max_batch_rows)))


def test_zero_batch_rows_means_one_call_a_forward() -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        await asyncio.gather(*[steps(device, "tryon", 3, lambda i: network(row(i))) for _ in range(4)])
        assert module.seen == [1] * 12

    run(main, Device(CPU, config=DeviceConfig(max_batch_rows=0)))


@pytest.mark.parametrize(("limit", "largest"), [(5, 4), (6, 6)])
def test_a_forward_never_joins_more_rows_than_the_limit(limit: int, largest: int) -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        await asyncio.gather(*[steps(device, "tryon", 4, lambda i: network(row(i, 2))) for _ in range(3)])
        assert max(module.seen) == largest

    run(main, Device(CPU, config=DeviceConfig(max_batch_rows=limit)))


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

    run(main, Device(CPU, config=DeviceConfig(batching=batching)))


def test_off_shares_nothing_even_within_a_job() -> None:
    module = Recorder()

    async def main(device: Device) -> None:
        network = device.batched(module)
        async with device.live("tryon", 0):
            await asyncio.gather(network(row(1)), network(row(2)))
        assert module.seen == [1, 1]

    run(main, Device(CPU, config=DeviceConfig(batching="off")))


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


class Clock:
    """Seconds that pass when a network says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Slow(nn.Module):
    """Takes `seconds` of the clock a forward, whatever comes in."""

    def __init__(self, seconds: float, clock: Clock, log: list[str], name: str) -> None:
        super().__init__()
        self.seconds, self.clock, self.log, self.name = seconds, clock, log, name

    def forward(self, rows: Tensor) -> Tensor:
        self.log.append(self.name)
        self.clock.seconds += self.seconds
        return rows


@pytest.mark.parametrize(("share", "between_slow"), [(1.0, 5), (4.0, 20)])
def test_engines_get_device_time_by_their_shares_not_by_their_calls(share: float, between_slow: int) -> None:
    """`fast` takes a fifth of the time of `slow` per forward, so at equal shares it gets five forwards for one."""
    log: list[str] = []
    clock = Clock()

    async def main(device: Device) -> None:
        slow, fast = (device.batched(Slow(seconds, clock, log, name)) for seconds, name in ((5, "s"), (1, "f")))
        await asyncio.gather(
            steps(device, "avatar", 6, lambda i: slow(row(i))),
            steps(device, "tryon", 200, lambda i: fast(row(i))),
        )
        between = "".join(log).strip("f").split("s")[1:-1]
        assert set(map(len, between)) == {between_slow}

    run(main, Device(CPU, config=DeviceConfig(shares={"tryon": share}), now=clock))


def test_an_engines_host_work_does_not_wait_for_that_of_another() -> None:
    async def main(device: Device) -> None:
        goes_on = Event()

        async def work(engine: str, fn: Callable[[], object]) -> object:
            async with device.live(engine, 0):
                return await device.cpu(fn)

        long = [work("avatar", lambda: goes_on.wait(600)) for _ in range(8)]
        *in_time, _ = await asyncio.gather(*long, work("tryon", goes_on.set))
        assert all(in_time)

    run(main, Device(CPU))


def test_an_engine_that_was_idle_has_saved_up_no_claim() -> None:
    log: list[str] = []
    clock = Clock()

    async def main(device: Device) -> None:
        early, late = (device.batched(Slow(1, clock, log, name)) for name in ("early", "late"))

        async def come_later() -> None:
            while len(log) < 25:
                await asyncio.sleep(0)
            await steps(device, "tryon", 10, lambda i: late(row(i)))

        await asyncio.gather(steps(device, "avatar", 60, lambda i: early(row(i))), come_later())
        first, last = log.index("late"), len(log) - log[::-1].index("late")
        assert log[first:last] == ["late", "early"] * 9 + ["late"]  # in turns; a saved claim would be served in one go

    run(main, Device(CPU, now=clock))


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


def test_a_broken_context_is_reported_as_a_lost_device() -> None:
    async def main(device: Device) -> None:
        def broken() -> None:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

        async with device.live("tryon", 0):
            with pytest.raises(DeviceLostError):
                await device.run(broken)

    run(main, Device(CPU))


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
