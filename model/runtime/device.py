"""One GPU (or the CPU): the thread that runs networks, and calls of several jobs joined into one forward.

Pipelines are plain sequential code on an event loop. Everything heavy goes through four verbs:

    prediction = await network(latents, t, key=...)             # network = device.batched(module)
    vertices = await device.run(optimise_a_little)              # other device work, at most about 200 ms a slice
    picture = await device.cpu(decode_png)                      # a thread that never holds the device
    vertices, faces = device.in_side_process(charts, vertices)  # in such a thread, for what keeps Python's lock

When a forward ends, its callers are resumed and get the chance to ask for their next one; then the scheduler picks the
calls of the next forward. So jobs join and leave at every step, and none knows of the others.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import nn

from model.errors import DeviceLostError, DeviceMemoryError
from model.runtime.call import Account, Call, current_account
from model.runtime.cuda_graphs import Graphs
from model.runtime.device_config import DeviceConfig
from model.runtime.errors import CrowdedError, is_device_lost, is_out_of_memory
from model.runtime.memory import DeviceMemory
from model.runtime.network import BatchedNetwork
from model.runtime.offload import Offload
from model.runtime.prepared import PreparedNetwork
from model.runtime.scheduler import Scheduler
from model.runtime.side_process import SideProcess

T = TypeVar("T")

# A resumed caller reaches its next call within a few turns of the event loop: one for the future, and up to
# three more for each `gather` in between. Turns of an idle loop take microseconds.
_SETTLE_TURNS = 8
_CPU_THREADS = 2  # of each engine: one job's pictures are read while another's are written


@dataclass
class Stats:
    """What the device has done since it was opened."""

    forwards: int = 0
    slowest_s: float = 0.0
    rows: Counter[int] = field(default_factory=Counter)  # rows in a forward -> how many forwards had them

    def add(self, rows: int, elapsed_s: float) -> None:
        """One more forward."""
        self.forwards += 1
        self.slowest_s = max(self.slowest_s, elapsed_s)
        self.rows[rows] += 1


class Device:
    """The queue in front of one torch device.

    Args:
        torch_device: where networks run and callers put their tensors.
        dtype: what networks compute in.
        now: a clock in seconds, for what forwards take and how long jobs wait.
    """

    def __init__(
        self,
        torch_device: torch.device,
        dtype: torch.dtype = torch.float32,
        config: DeviceConfig | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.torch_device = torch_device
        self.dtype = dtype
        self.config = config or DeviceConfig()
        self.stats = Stats()
        self.memory = DeviceMemory(torch_device, self.config.memory_profile, self.config.memory_bytes)
        self.offload = Offload(torch_device, self.empty_cache) if self.config.memory_profile == "low" else None
        # Weights that come and go have no fixed place for a recording to find them at.
        self._graphs = Graphs(torch_device) if torch_device.type == "cuda" and self.offload is None else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="device")
        self._cpu_threads: dict[str, ThreadPoolExecutor] = {}  # engine -> threads no other engine keeps busy
        self._side_process = SideProcess()

        self._now = now
        self._scheduler = Scheduler(self.config, self.memory, now)
        self._changed = asyncio.Event()  # there may be something to compute
        self._serving: asyncio.Task[None] | None = None

    # -- the four verbs ------------------------------------------------------------------------------------

    def batched(self, module: nn.Module, atom: int = 1, fallback: nn.Module | None = None) -> BatchedNetwork:
        """Put `module` behind the queue. `atom` consecutive rows of a call always stay in one forward.

        `fallback` computes in its place, with less memory and nearly the same result, a call that does not fit though
        alone.

        With the profile "low" its weights leave the device until it computes. They may be shared with other modules.
        """
        if self.offload is not None:
            for one in (module, fallback):
                if one is not None:
                    self.offload.manage(one)
        self.memory.holds(module)
        return BatchedNetwork(self, module, atom, fallback)

    def preparable(self, module: nn.Module, *, recorded: bool = True) -> nn.Module:
        """`module` as one that can be prepared for shapes of its inputs, if this device gains by it.

        See `BatchedNetwork.prepare`. Recordings have buffers of their own for all inputs: not for a network whose
        inputs are large.
        """
        record, compiled = self._graphs if recorded else None, self.config.compiled
        return PreparedNetwork(module, record, compiled=compiled) if record or compiled else module

    def at_start(self, fn: Callable[[], T]) -> T:
        """Run `fn` on the device's thread, before there are jobs: in no queue, in no statistic, and waited for."""
        return self._thread.submit(self._guarded, fn).result()

    async def run(self, fn: Callable[[], T]) -> T:
        """Run other work on the device's thread, with gradients off unless `fn` turns them on.

        With the profile "low" the device is free of weights then, but for those of networks that `fn` calls.
        """

        def run(calls: list[Call]) -> list[T]:
            if self.offload is not None:
                self.offload.unload_all()
            return [fn()]

        result: T = await self.submit(Call(kind=None, rows=1, run=run))
        return result

    async def cpu(self, fn: Callable[[], T]) -> T:
        """Run `fn` in a thread that does not hold the device, of the few that the job's engine has."""
        account = current_account.get(None)
        engine = account.engine if account else ""
        if engine not in self._cpu_threads:
            self._cpu_threads[engine] = ThreadPoolExecutor(_CPU_THREADS, thread_name_prefix=f"cpu {engine}")
        return await asyncio.get_running_loop().run_in_executor(self._cpu_threads[engine], fn)

    def in_side_process(self, fn: Callable[..., T], *args: object) -> T:
        """`fn(*args)` in a process of its own, see `SideProcess`; blocks, so it is for functions that `cpu` runs."""
        return self._side_process.run(fn, *args)

    # -- jobs -----------------------------------------------------------------------------------------------

    @property
    def weights_device(self) -> torch.device:
        """Where to load weights: the device, or the host if they are only to be there while they are needed."""
        return self.torch_device if self.offload is None else torch.device("cpu")

    @property
    def sliced(self) -> bool:
        """Whether attention should go slice by slice: slower, and with less memory."""
        return self.config.memory_profile == "low"

    @asynccontextmanager
    async def live(self, engine: str, resident_bytes: int) -> AsyncIterator[Account]:
        """Wait until the scheduler lets the job's memory in; then its calls count as this engine's."""
        account = Account(engine, resident_bytes)
        self._scheduler.arrive(account)
        try:
            await account.admitted.wait()
            token = current_account.set(account)
            try:
                yield account
            finally:
                current_account.reset(token)
        finally:
            self._scheduler.leave(account)
            self._changed.set()

    # -- the queue ------------------------------------------------------------------------------------------

    async def submit(self, call: Call) -> Any:
        """Wait for the result of `call`, which belongs to the live job that asks."""
        self._scheduler.add(call)
        self._changed.set()
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        return await call.answer

    async def _serve(self) -> None:
        while True:
            for _ in range(_SETTLE_TURNS):
                await asyncio.sleep(0)
            if group := self._scheduler.next_group():
                await self._forward(group)
            else:
                self._changed.clear()
                await self._changed.wait()

    async def _forward(self, group: list[Call]) -> None:
        started = self._now()
        try:
            outcome: list[Any] | Exception = await self._on_device(lambda: group[0].run(group))
        except Exception as error:  # noqa: BLE001 - whatever a network raises belongs to its callers
            outcome = error
        elapsed_s = self._now() - started
        self.stats.add(sum(call.rows for call in group), elapsed_s)
        self._scheduler.book(group, elapsed_s)
        if isinstance(outcome, Exception):
            await self._failed(group, outcome)
            return
        for call, result in zip(group, outcome, strict=True):
            call.on_answer(result)
            for caller in (call, *self._scheduler.same_answer(call)):
                if not caller.answer.done():
                    caller.answer.set_result(result)

    async def _failed(self, group: list[Call], error: Exception) -> None:
        """Find out whose fault it was by running each call alone, so that no job suffers from another."""
        if len(group) > 1:
            for call in group:
                await self._forward([call])
            return
        call = group[0]
        if is_out_of_memory(error):
            await self._did_not_fit(call)
            return
        if is_device_lost(error):
            error = DeviceLostError(f"the device was lost: {error}")
        _refuse(call, error)

    async def _did_not_fit(self, call: Call) -> None:
        """A call that ran out of memory, though no other shared its forward."""
        await self._on_device(self.empty_cache)
        if len(self._scheduler.live_jobs) > 1:
            for one in self._scheduler.park(call):
                _refuse(one, CrowdedError())
        elif call.run_fallback is not None:
            call.on_fallback()
            call.run, call.run_fallback = call.run_fallback, None
            await self._forward([call])
        else:
            _refuse(call, DeviceMemoryError(f"the job does not fit the device's memory: {self.torch_device}"))

    # -- the thread -----------------------------------------------------------------------------------------

    def _on_device(self, fn: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, fn)

    def _guarded(self, fn: Callable[[], T]) -> T:
        with torch.no_grad():
            result = fn()
        if self.torch_device.type == "cuda":
            torch.cuda.synchronize(self.torch_device)
        return result

    def empty_cache(self) -> None:
        """Give back what the allocator keeps; on the device's thread."""
        if self.torch_device.type == "cuda":
            torch.cuda.empty_cache()

    def close(self) -> None:
        """Stop the threads and the side process. What still waits for the device waits in vain."""
        if self._serving is not None:
            self._serving.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
        for threads in self._cpu_threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
        self._side_process.close()


def _refuse(call: Call, error: Exception) -> None:
    if not call.answer.done():
        call.answer.set_exception(error)


def open_device(name: str = "auto", dtype: str = "auto", config: DeviceConfig | None = None) -> Device:
    """The device called `name` ("auto": the GPU if there is one), computing in `dtype`.

    "auto" is float16 on a GPU (users of CatVTON report worse pictures with bfloat16) and float32 on the CPU, which
    agrees with the reference.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if dtype == "auto":
        dtype = "float16" if name.startswith("cuda") else "float32"
    return Device(torch.device(name), getattr(torch, dtype), config)
