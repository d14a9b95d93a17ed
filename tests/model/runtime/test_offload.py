"""The profile "low": one network's weights on the device at a time, and the same results."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from model.runtime.network import BatchedNetwork
from model.runtime.offload import Offload, most_at_once, weights

CPU = torch.device("cpu")


class Own(nn.Module):
    """A network of its own, with a parameter, a buffer and something to compute."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.layer = nn.Linear(8, 8)
        self.layer.weight.data = torch.randn(8, 8, generator=generator)
        self.shift: Tensor
        self.register_buffer("shift", torch.randn(8, generator=generator))

    def forward(self, rows: Tensor) -> Tensor:
        return cast("Tensor", self.layer(rows)) + self.shift


class Adapted(nn.Module):
    """A thin wrapper with weights of its own around a base that others have too."""

    def __init__(self, base: nn.Module, factor: float) -> None:
        super().__init__()
        self.base = base
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, rows: Tensor) -> Tensor:
        return cast("Tensor", self.base(rows)) * self.factor


@pytest.fixture
def device() -> Iterator[Device]:
    opened = Device(CPU, config=DeviceConfig(memory_profile="low", memory_bytes=2**20))
    yield opened
    opened.close()


def compute(device: Device, main: Callable[[], Awaitable[list[Tensor]]]) -> list[Tensor]:
    async def body() -> list[Tensor]:
        async with asyncio.timeout(600), device.live("engine", 0):
            return await main()

    return asyncio.run(body())


def places(*modules: nn.Module) -> list[list[int]]:
    """Where the weights of each lie."""
    return [[weight.data_ptr() for weight in weights(module)] for module in modules]


def test_only_the_network_that_computes_is_on_the_device() -> None:
    first, second = Own(1), Own(2)
    offload = Offload(CPU)
    offload.manage(first)
    offload.manage(second)
    first_on_host, second_on_host = places(first, second)
    assert offload.bytes_loaded == 0
    rows = torch.ones(1, 8)

    first(rows)
    (first_loaded,) = places(first)
    assert set(first_loaded).isdisjoint(first_on_host)
    assert places(second) == [second_on_host]
    assert offload.bytes_loaded == sum(weight.nbytes for weight in weights(first))

    first(rows)
    assert places(first) == [first_loaded]  # stays while nobody else needs the room
    second(rows)
    assert places(first) == [first_on_host]
    assert set(*places(second)).isdisjoint(second_on_host)


def test_a_base_that_two_networks_share_moves_once() -> None:
    base = Own(1)
    one, two, other = Adapted(base, 2.0), Adapted(base, 3.0), Own(2)
    offload = Offload(CPU)
    for module in (one, two, other):
        offload.manage(module)
    (base_on_host,), rows = places(base), torch.ones(1, 8)
    one(rows)
    (base_loaded,) = places(base)
    assert set(base_loaded).isdisjoint(base_on_host)
    two(rows)
    assert places(base) == [base_loaded]
    assert offload.bytes_loaded == sum(weight.nbytes for weight in weights(two))
    other(rows)
    assert places(base) == [base_on_host]


def test_unloading_is_told_once_the_weights_are_gone() -> None:
    told: list[int] = []
    first, second = Own(1), Own(2)
    offload = Offload(CPU, lambda: told.append(offload.bytes_loaded))
    for module in (first, second):
        offload.manage(module)
        module(torch.ones(1, 8))
    assert told == [0]


def test_weights_that_do_not_fit_can_be_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    module = Own(1)
    expected = module(torch.ones(1, 8))
    offload = Offload(CPU)
    offload.manage(module)
    with monkeypatch.context() as broken:
        broken.setattr(Tensor, "to", refuse)
        with pytest.raises(torch.OutOfMemoryError):
            module(torch.ones(1, 8))
    assert module(torch.ones(1, 8)).equal(expected)


def refuse(tensor: Tensor, *arguments: object, **options: object) -> Tensor:
    raise torch.OutOfMemoryError("the card is full")


def test_both_profiles_give_the_same(device: Device) -> None:
    resident = Device(CPU, config=DeviceConfig(memory_bytes=2**20))
    base = Own(3)
    modules = [Own(1), Adapted(base, 2.0), Own(2), Adapted(base, 3.0)]
    rows = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))

    def loop(networks: list[BatchedNetwork]) -> Callable[[], Awaitable[list[Tensor]]]:
        async def main() -> list[Tensor]:
            return [await network(rows * turn) for turn in range(3) for network in networks]

        return main

    expected = compute(resident, loop([resident.batched(module) for module in modules]))
    resident.close()
    low = compute(device, loop([device.batched(module) for module in modules]))
    assert all(one.equal(other) for one, other in zip(expected, low, strict=True))


def test_other_work_has_the_device_to_itself(device: Device) -> None:
    module = Own(1)
    network = device.batched(module)
    seen: list[list[list[int]]] = [places(module)]

    async def main() -> list[Tensor]:
        for _ in range(2):
            await network(torch.ones(1, 8))
            seen.append(places(module))
            await device.run(lambda: seen.append(places(module)))
        return []

    compute(device, main)
    on_host, loaded, unloaded, loaded_again, unloaded_again = seen
    assert on_host == unloaded == unloaded_again
    assert on_host not in (loaded, loaded_again)


def test_one_job_is_live_whatever_its_engine(device: Device) -> None:
    live = 0

    async def job(engine: str) -> None:
        nonlocal live
        async with device.live(engine, 0):
            live += 1
            assert live == 1
            await asyncio.sleep(0)
            live -= 1

    async def main() -> None:
        await asyncio.gather(*(job(engine) for engine in ("tryon", "avatar", "tryon")))

    asyncio.run(main())


def test_attention_is_told_to_save_memory(device: Device) -> None:
    resident = Device(CPU)
    assert (device.sliced, resident.sliced) == (True, False)
    resident.close()


@pytest.mark.parametrize(("profile", "most"), [("resident", 60), ("low", 30)])
def test_what_a_profile_has_on_the_device(profile: str, most: int) -> None:
    assert most_at_once([10, 20, 30], profile) == most  # type: ignore[arg-type]
