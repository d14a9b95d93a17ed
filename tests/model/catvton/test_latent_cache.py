"""Pictures seen lately are not encoded again, and no result can tell."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from model.diffusion.noise import seeded
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.latent_cache import LatentCache, Moments, digest
from model.engines.catvton.networks import CatVTONNetworks
from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from model.tryon.pictures import TryOnTensors
from tests.model.conftest import DATA
from tests.model.runtime.on_device import settled

CPU = torch.device("cpu")
PLENTY = 2**20


@contextmanager
def tryon(latent_cache_bytes: int, weights: Path = DATA / "weights") -> Iterator[CatVTON]:
    """Every call in a forward of its own, so that the batch is the same with and without the cache."""
    device = Device(CPU, config=DeviceConfig(max_batch_rows=0, latent_cache_bytes=latent_cache_bytes))
    yield CatVTON(weights, device)
    device.close()


class Counted:
    """Counts the rows that really go through a variant's encoder."""

    def __init__(self, networks: CatVTONNetworks) -> None:
        self.rows = 0
        networks.encoder.module.register_forward_hook(self)

    def __call__(self, module: Any, arguments: tuple[Tensor, ...], output: Any) -> None:
        self.rows += len(arguments[0])


def prepared(person: int = 0, garment: int = 0, height: int = 64) -> TryOnTensors:
    """Made-up pictures by their numbers, with the mask over the left half."""
    person_pixels, garment_pixels = (
        torch.rand((1, 3, height, 64), generator=torch.Generator().manual_seed(i)) for i in (person, 9 + garment)
    )
    return TryOnTensors(person_pixels, garment_pixels, (torch.arange(64) < 32).float().expand(1, 1, height, 64))


async def encoded(networks: CatVTONNetworks, pictures: TryOnTensors, seed: int = 0) -> Tensor:
    async with networks.device.live("tryon", 0):
        return await networks.encode(pictures, 1, seeded(seed, 1), guided=True)


WARDROBE = [prepared(), prepared(garment=1), prepared(), prepared(person=1, garment=1), prepared(height=128)]


def test_results_are_the_same_bits_with_and_without_it() -> None:
    async def dress(networks: CatVTONNetworks) -> list[Tensor]:
        return [await encoded(networks, pictures, seed) for seed, pictures in enumerate(WARDROBE)]

    with tryon(0) as without, tryon(PLENTY) as remembering:
        networks = remembering.networks["mask"]
        plain, cached = Counted(without.networks["mask"]), Counted(networks)
        expected = asyncio.run(dress(without.networks["mask"]))
        found = asyncio.run(dress(networks))
    assert all(map(torch.equal, expected, found))
    assert (plain.rows, cached.rows) == (10, 6)  # two persons, two garments, and two of another size
    assert not torch.equal(found[0], found[2])  # noise is drawn for each request


def test_another_mask_is_another_person_and_the_same_masked_pixels_are_not() -> None:
    async def main(networks: CatVTONNetworks) -> list[int]:
        pictures, counted, rows = prepared(), Counted(networks), []
        masked, painted = pictures.mask, pictures.person.clone()
        assert masked is not None
        painted[..., :8] = 1  # under the mask
        for one in (pictures, replace(pictures, mask=1 - masked), replace(pictures, person=painted)):
            await encoded(networks, one)
            rows.append(counted.rows)
        return rows

    with tryon(PLENTY) as engine:
        assert asyncio.run(main(engine.networks["mask"])) == [2, 3, 3]


def test_each_variant_remembers_what_its_own_weights_made(maskfree_weights: Path, tmp_path: Path) -> None:
    for folder in (DATA / "weights/catvton", maskfree_weights / "catvton_maskfree"):
        (tmp_path / folder.name).symlink_to(folder)

    async def main(engine: CatVTON) -> tuple[int, int]:
        counts = [Counted(networks) for networks in engine.networks.values()]
        for variant, networks in engine.networks.items():
            await encoded(networks, prepared() if variant == "mask" else replace(prepared(), mask=None))
        return counts[0].rows, counts[1].rows

    with tryon(PLENTY, tmp_path) as engine:
        assert asyncio.run(main(engine)) == (2, 2)


@pytest.mark.parametrize("cancelled", [None, "before it began", "while it computes"])
def test_jobs_that_ask_at_once_share_one_encoding_even_if_the_first_is_cancelled(cancelled: str | None) -> None:
    async def main(networks: CatVTONNetworks) -> tuple[int, list[Any]]:
        counted, begun, loop = Counted(networks), asyncio.Event(), asyncio.get_running_loop()

        def begin(*unused: Any) -> None:
            loop.call_soon_threadsafe(begun.set)

        networks.encoder.module.register_forward_pre_hook(begin)
        jobs = [asyncio.create_task(encoded(networks, prepared())) for _ in range(3)]
        if cancelled == "while it computes":
            await begun.wait()
        if cancelled is not None:
            await asyncio.sleep(0)
            jobs[0].cancel()
        results = await asyncio.gather(*jobs, return_exceptions=True)
        return counted.rows, results

    with tryon(PLENTY) as engine:
        rows, (first, second, third) = asyncio.run(main(engine.networks["mask"]))
    assert rows == 2  # a person and a garment
    assert torch.equal(second, third)
    assert torch.equal(first, second) if cancelled is None else isinstance(first, asyncio.CancelledError)


def test_what_was_computed_for_a_job_that_was_cancelled_meanwhile_is_there_for_the_next() -> None:
    """Which comes when the forward is over, so that it cannot join it."""

    async def main(networks: CatVTONNetworks) -> int:
        counted, begun, go_on, loop = Counted(networks), asyncio.Event(), threading.Event(), asyncio.get_running_loop()

        def begin(*unused: Any) -> None:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait()

        networks.encoder.module.register_forward_pre_hook(begin)
        leaving = asyncio.create_task(encoded(networks, prepared()))
        await begun.wait()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        go_on.set()
        while networks.device.stats.forwards == 0:
            await asyncio.sleep(0)
        await encoded(networks, prepared())
        return counted.rows

    with tryon(PLENTY) as engine:
        assert asyncio.run(main(engine.networks["mask"])) == 2  # a person and a garment


def moments(value: float = 0.0) -> Moments:
    return torch.full((1, 4, 2, 2), value), torch.full((1, 4, 2, 2), -value)  # 128 bytes together


def test_it_holds_no_more_than_it_may_and_what_was_used_last() -> None:
    async def main() -> None:
        cache = LatentCache(300, most_s=60)
        for name in ("old", "used"):
            cache.put(name, moments())
        cache.get("old")
        cache.put("new", moments())
        assert [cache.get(name) is not None for name in ("old", "used", "new")] == [True, False, True]
        assert cache.nbytes == 256
        cache.put("huge", (torch.zeros(100), torch.zeros(100)))
        assert cache.get("huge") is None
        assert cache.nbytes == 256

    asyncio.run(main())


def test_it_keeps_copies_and_not_the_batch_they_are_rows_of() -> None:
    async def main() -> None:
        batch = torch.rand(8, 4, 2, 2)
        whole = weakref.ref(batch.untyped_storage())
        cache = LatentCache(PLENTY, most_s=60)
        cache.put("row", (batch[:1], batch[1:2]))
        expected = batch[:1].clone()
        del batch
        assert whole() is None
        known = cache.get("row")
        assert known is not None
        assert torch.equal(known[0], expected)

    asyncio.run(main())


def test_moments_are_forgotten_in_time_by_a_worker_with_nothing_to_do() -> None:
    async def main() -> None:
        cache = LatentCache(PLENTY, most_s=0.05)
        mean, logvar = moments()
        cache.put("photo", (mean, logvar))
        kept = cache.get("photo")
        assert kept is not None
        gone = weakref.ref(kept[0])
        del kept
        for _ in range(3):  # asking for it does not keep it
            await asyncio.sleep(0.02)
            cache.get("photo")
        assert gone() is None
        assert (cache.get("photo"), cache.nbytes) == (None, 0)

    asyncio.run(main())


def test_a_digest_tells_pixels_and_shapes_apart() -> None:
    pixels = torch.arange(24.0).reshape(1, 3, 2, 4)
    others = [pixels.reshape(1, 3, 4, 2), pixels + 1, pixels.flip(0, 1)]
    assert len({digest(one) for one in (pixels, *others)}) == 4
    assert digest(pixels) == digest(pixels.transpose(2, 3).contiguous().transpose(2, 3))


def test_live_jobs_leave_it_room() -> None:
    async def main(device: Device) -> bool:
        second = asyncio.Event()

        async def hold() -> None:
            async with device.live("tryon", 50):
                second.set()

        async with device.live("tryon", 50):
            job = asyncio.create_task(hold())
            await settled()
            went_live = second.is_set()
        await job
        return went_live

    for latent_cache_bytes, fits in ((0, True), (1, False)):
        device = Device(
            CPU, config=DeviceConfig(memory_bytes=200, latent_cache_bytes=latent_cache_bytes)
        )  # half of it for jobs
        assert asyncio.run(main(device)) is fits
        device.close()
