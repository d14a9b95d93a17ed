"""How many rows share a forward when memory decides, and where the numbers come from."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from model.runtime.forward_cost import ForwardCost
from model.runtime.memory import DeviceMemory, free_memory_bytes, left_of_limit

CPU = torch.device("cpu")
ROW = 4 * 1024  # bytes of what Wide holds of a row beside its input and output


class Wide(nn.Module):
    """Rows of one number, which it holds as 1024 for a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, rows: Tensor) -> Tensor:
        self.seen.append(len(rows))
        return rows.repeat(1, 1024)[:, :1].clone()


def rows_seen(
    memory_bytes: int, *, jobs: int = 4, calls: int = 1, rows: int = 1, steps: int = 4, resident_bytes: int = 0
) -> list[int]:
    """Of each forward of that many jobs which step together, with so many calls a step."""
    module, device = Wide(), Device(CPU, config=DeviceConfig(memory_bytes=memory_bytes))

    async def job() -> None:
        async with device.live("engine", resident_bytes):
            for _ in range(steps):
                await asyncio.gather(*(network(torch.ones(rows, 1)) for _ in range(calls)))

    async def main() -> None:
        async with asyncio.timeout(600):
            await asyncio.gather(*(job() for _ in range(jobs)))

    network = device.batched(module)
    try:
        asyncio.run(main())
    finally:
        device.close()
    return module.seen


@pytest.mark.parametrize(("fits", "largest"), [(2, 2), (3, 3), (4, 4), (100, 4)])
def test_a_forward_has_no_more_rows_than_memory_allows(fits: int, largest: int) -> None:
    assert max(rows_seen(fits * ROW + ROW // 2)) == largest


def test_what_live_jobs_hold_is_left_out() -> None:
    assert max(rows_seen(6 * ROW + ROW // 2, resident_bytes=ROW // 2)) == 4
    assert max(rows_seen(6 * ROW + ROW // 2, resident_bytes=ROW * 3 // 4)) == 3


def test_a_call_that_comes_alone_runs_however_large_it_is() -> None:
    assert rows_seen(ROW, jobs=2, rows=5, steps=2) == [5, 5, 5, 5]


def test_before_the_first_forward_only_calls_of_one_job_come_together() -> None:
    assert rows_seen(100 * ROW)[0] == 1
    assert rows_seen(100 * ROW, calls=3)[0] == 3


def test_the_largest_forward_tells_of_the_others() -> None:
    cost = ForwardCost(CPU)
    assert not cost.known
    cost.measured(10, lambda: torch.ones(50, dtype=torch.uint8))
    assert (cost.known, cost.of(100)) == (True, 500)
    cost.measured(20, lambda: torch.ones(60, dtype=torch.uint8))
    assert cost.of(100) == 300
    cost.measured(19, lambda: torch.ones(1000, dtype=torch.uint8))
    assert cost.of(100) == 300


def test_a_forward_that_failed_tells_nothing() -> None:
    cost = ForwardCost(CPU)
    with pytest.raises(ZeroDivisionError):
        cost.measured(10, lambda: 1 / 0)
    assert not cost.known


def test_weights_that_networks_share_are_left_out_once() -> None:
    base = nn.Linear(1000, 1000, bias=False)
    resident, low = DeviceMemory(CPU, "resident", None), DeviceMemory(CPU, "low", None)
    before = {memory: memory._free_at_first for memory in (resident, low)}
    for memory in (resident, low):
        for network in (nn.Sequential(base, nn.Linear(500, 500, bias=False)), nn.Sequential(base)):
            memory.holds(network)
    assert resident.total_bytes == before[resident] - 4 * 1000**2 - 4 * 500**2
    assert low.total_bytes == before[low] - 4 * 1000**2 - 4 * 500**2
    assert resident.job_bytes == resident.total_bytes // 2


def test_a_number_that_was_told_is_not_measured() -> None:
    memory = DeviceMemory(CPU, "resident", 1000)
    memory.holds(nn.Linear(1000, 1000))
    memory.measure()
    assert (memory.total_bytes, memory.job_bytes) == (1000, 500)


def test_pages_of_files_are_free_though_the_container_counts_them(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    assert left_of_limit(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 300\nfile 400\nactive_file 100\ninactive_file 250\nshmem 50\n")
    assert left_of_limit(tmp_path) == 650
    assert left_of_limit(tmp_path / "absent") is None
    assert free_memory_bytes(CPU) > 0
