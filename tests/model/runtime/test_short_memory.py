"""What the device does with calls that its memory does not hold."""

from __future__ import annotations

import asyncio

import pytest
import torch
from torch import Tensor, nn

from model.errors import DeviceMemoryError
from model.runtime.device import Device
from model.runtime.errors import CrowdedError
from tests.model.runtime.on_device import CPU, Recorder, row, run, steps


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
def test_what_does_not_fit_even_alone_is_computed_by_the_fallback(
    rows: int, length: int, expected: int | str | None
) -> None:
    class Fallback(OnlyHalf):
        def forward(self, rows: Tensor) -> Tensor:
            return -super().forward(rows)

    told: list[str] = []

    async def main(device: Device) -> None:
        network = device.batched(OnlyHalf(most=3), fallback=Fallback(most=9))
        async with device.live("tryon", 0):
            call = network(torch.ones(rows, length), on_fallback=lambda: told.append("fallback"))
            if expected == "507":
                with pytest.raises(DeviceMemoryError):
                    await call
            else:
                assert torch.equal(await call, torch.full((rows, length), float(expected or 1)))
        assert told == ([] if expected is None else ["fallback"])

    run(main, Device(CPU))


def test_in_company_the_exact_form_is_waited_for() -> None:
    exact, told = OnlyHalf(most=0), []

    async def main(device: Device) -> None:
        network, other = device.batched(exact, fallback=nn.ReLU()), device.batched(Recorder())

        async def neighbour() -> None:
            async with device.live("avatar", 0):
                for _ in range(20):
                    await other(row(0))
                exact.most = 100

        async def job() -> Tensor:
            async with device.live("tryon", 0):
                answer: Tensor = await network(row(-3), on_fallback=lambda: told.append("fallback"))
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
