"""Which jobs are live on the device, and which wait."""

from __future__ import annotations

import asyncio

import pytest

from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from tests.model.runtime.on_device import CPU, run, settled


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
        await settled()
        assert order == ["huge"]
        leave["huge"].set()
        await settled()
        assert order == ["huge", "half", "other half"]
        for event in leave.values():
            event.set()
        await asyncio.gather(*jobs)
        assert order[-1] == "small"

    run(main, Device(CPU, config=DeviceConfig(memory_bytes=200)))


def test_no_more_jobs_are_live_than_the_setting_says(order: list[str]) -> None:
    async def main(device: Device) -> None:
        leave = asyncio.Event()
        jobs = [asyncio.create_task(hold(device, str(i), 0, order, leave)) for i in range(3)]
        await settled()
        assert order == ["0", "1"]
        jobs[0].cancel()
        await settled()
        assert order == ["0", "1", "2"]
        leave.set()
        await asyncio.gather(*jobs, return_exceptions=True)

    run(main, Device(CPU, config=DeviceConfig(max_live_jobs=2)))


def test_with_requests_nobody_joins_and_those_that_waited_start_together(order: list[str]) -> None:
    async def main(device: Device) -> None:
        leave = {name: asyncio.Event() for name in ("first", "second", "left", "third", "fourth")}
        jobs = {name: asyncio.create_task(hold(device, name, 0, order, leave[name])) for name in leave}
        other = asyncio.create_task(hold(device, "other engine", 0, order, leave["first"], engine="avatar"))
        await settled()
        assert order == ["first", "other engine"]
        jobs["left"].cancel()
        leave["first"].set()
        await settled()
        assert order[2:] == ["second", "third"]  # two places
        leave["second"].set()
        await settled()
        assert order[4:] == []
        leave["third"].set()
        await settled()
        assert order[4:] == ["fourth"]
        leave["fourth"].set()
        await asyncio.gather(*jobs.values(), other, return_exceptions=True)

    run(main, Device(CPU, config=DeviceConfig(max_live_jobs=2, batching="requests")))


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
        await settled()
        jobs.append(asyncio.create_task(hold(device, "small", 20, order, leave)))
        await settled()
        assert order == expected
        leave.set()
        await asyncio.gather(*jobs)
        assert sorted(order) == ["first", "large", "small"]

    run(main, Device(CPU, config=DeviceConfig(memory_bytes=200, patience_s=patience_s)))


def test_one_engine_cannot_take_all_places(order: list[str]) -> None:
    async def main(device: Device) -> None:
        leave = asyncio.Event()
        jobs = [asyncio.create_task(hold(device, f"avatar {i}", 0, order, leave, engine="avatar")) for i in range(3)]
        jobs.append(asyncio.create_task(hold(device, "tryon", 0, order, leave)))
        await settled()
        assert order == ["avatar 0", "avatar 1", "tryon"]
        leave.set()
        await asyncio.gather(*jobs)

    run(main, Device(CPU, config=DeviceConfig(max_live_jobs=2)))


def test_a_job_cancelled_before_it_is_live_leaves_no_trace(order: list[str]) -> None:
    async def main(device: Device) -> None:
        leave = asyncio.Event()
        first = asyncio.create_task(hold(device, "first", 0, order, leave))
        second = asyncio.create_task(hold(device, "second", 0, order, leave))
        third = asyncio.create_task(hold(device, "third", 0, order, leave))
        await settled()
        second.cancel()
        await asyncio.sleep(0)
        leave.set()
        await asyncio.gather(first, third)
        assert order == ["first", "third"]

    run(main, Device(CPU, config=DeviceConfig(max_live_jobs=1)))
