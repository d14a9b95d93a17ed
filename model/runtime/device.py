"""One GPU (or the CPU): the thread that runs networks, and the batching behind the pipelines' back.

Pipelines are plain sequential code on an event loop. Everything heavy goes through four verbs:

    prediction = await network(latents, t, key=...)   # network = device.batched(module)
    vertices = await device.run(optimise_a_little)    # other device work, at most about 200 ms a slice
    picture = await device.cpu(decode_png)            # a thread that never holds the device
    vertices, faces = device.apart(charts, vertices)  # in such a thread: a process, for what keeps Python's lock

When a forward ends, its callers are resumed and get the chance to ask for their next one; then the device picks
the engine with the least weighted device time, that engine's oldest call, and every pending call that may share
a forward with it. So jobs join and leave at every step, and none knows of the others.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import torch
from torch import nn

from model.errors import DeviceLostError, DeviceMemoryError
from model.runtime.call import Account, Call
from model.runtime.cuda_graphs import Graphs
from model.runtime.errors import CrowdedError, is_device_lost, is_out_of_memory
from model.runtime.memory import DeviceMemory
from model.runtime.network import Network
from model.runtime.offload import MemoryProfile, Offload
from model.runtime.prepared import PreparedNetwork
from model.runtime.side_process import SideProcess

T = TypeVar("T")
Batching = Literal["steps", "requests", "off"]

# A resumed caller reaches its next call within a few turns of the event loop: one for the future, and up to
# three more for each `gather` in between. Turns of an idle loop take microseconds.
_SETTLE_TURNS = 8
_CPU_THREADS = 2  # of each engine


@dataclass
class Stats:
    """What the device has done since it was opened."""

    forwards: int = 0
    slowest_s: float = 0.0
    rows: Counter[int] = field(default_factory=Counter)  # rows in a forward -> how many forwards had them


_account: ContextVar[Account] = ContextVar("account")


class Device:
    """The queue in front of one torch device.

    Args:
        torch_device: where networks run and callers put their tensors.
        dtype: what networks compute in.
        max_batch_rows: most rows of one forward that joins several calls, memory permitting; 0: one call a forward.
        max_live_jobs: most jobs of one engine between their first and last forward.
        batching: how jobs of one engine come together. "steps": one goes live as soon as there is room, and shares
            whatever forwards it meets. "requests": those that wait go live together, and none joins until all of them
            have ended. "off": one after the other and nothing shared, as `max_live_jobs=1, max_batch_rows=0`.
        memory_bytes: what live jobs and a forward may take together; None: what is free beside the weights.
        shares: engine -> weight of its claim on device time; 1 when absent.
        memory_profile: "low" keeps one network's weights on the device and one job live, for small cards.
        patience_s: how long a job that does not fit lets those of other engines pass.
        latent_cache_bytes, latent_cache_s: what encoded pictures may take beside the jobs, and when they are forgotten.
        compiled: whether networks are compiled for the shapes they are warmed for.
    """

    def __init__(
        self,
        torch_device: torch.device,
        dtype: torch.dtype = torch.float32,
        *,
        max_batch_rows: int = 8,
        max_live_jobs: int = 8,
        batching: Batching = "steps",
        memory_bytes: int | None = None,
        shares: Mapping[str, float] | None = None,
        memory_profile: MemoryProfile = "resident",
        patience_s: float = 30.0,
        latent_cache_bytes: int = 0,
        latent_cache_s: float = 3600.0,
        compiled: bool = False,
    ) -> None:
        self.torch_device = torch_device
        self.dtype = dtype
        self.max_batch_rows = 0 if batching == "off" else max_batch_rows
        self.max_live_jobs = 1 if batching == "off" else max_live_jobs
        self.batching: Batching = batching
        self.memory_profile: MemoryProfile = memory_profile
        self.latent_cache_bytes = latent_cache_bytes
        self.latent_cache_s = latent_cache_s
        self._compiled = compiled
        self.stats = Stats()
        self.memory = DeviceMemory(torch_device, memory_profile, memory_bytes)
        self._shares = shares or {}
        self._patience_s = patience_s
        self._lodging = Offload(torch_device, self._empty_cache) if memory_profile == "low" else None
        # Weights that come and go have no fixed place for a recording to find them at.
        self._graphs = Graphs(torch_device) if torch_device.type == "cuda" and self._lodging is None else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="device")
        self._cpu_threads: dict[str, ThreadPoolExecutor] = {}  # engine -> threads no other engine keeps busy
        self._apart = SideProcess()

        self._waiting: deque[Account] = deque()  # jobs that are not live yet, oldest first
        self._live: list[Account] = []
        self._pending: list[Call] = []  # oldest first
        self._parked: list[Call] = []  # ran out of memory in company; wait for a live job to end
        self._clock: dict[str, float] = {}  # engine -> weighted device seconds
        self._virtual_time = 0.0  # the clock of the engine served last: where a returning engine starts
        self._arrived = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    # -- the four verbs ------------------------------------------------------------------------------------

    def batched(self, module: nn.Module, atom: int = 1, lean: nn.Module | None = None) -> Network:
        """Put `module` behind the queue. `atom` consecutive rows of a call always stay in one forward.

        `lean` stands in for it, with less memory and nearly the same result, when a call does not fit though alone.

        With the profile "low" its weights leave the device until it computes. They may be shared with other modules.
        """
        if self._lodging is not None:
            self._lodging.take(module)
            if lean is not None:
                self._lodging.take(lean)
        self.memory.holds(module)
        return Network(self, module, atom, lean)

    def warmable(self, module: nn.Module, *, recorded: bool = True) -> nn.Module:
        """`module`, to be prepared for some shapes of its inputs, if this device gains by it: see `Network.warm`.

        Recordings have buffers of their own for all inputs: not for a network whose inputs are large.
        """
        record = self._graphs if recorded else None
        return PreparedNetwork(module, record, compiled=self._compiled) if record or self._compiled else module

    def at_start(self, fn: Callable[[], T]) -> T:
        """Run `fn` on the device's thread, before there are jobs: in no queue, in no statistic, and waited for."""
        return self._thread.submit(self._guarded, fn).result()

    async def run(self, fn: Callable[[], T]) -> T:
        """Run other work on the device's thread, with gradients off unless `fn` turns them on.

        With the profile "low" the device is free of weights then, but for those of networks that `fn` calls.
        """

        def run(calls: list[Call]) -> list[T]:
            if self._lodging is not None:
                self._lodging.vacate()
            return [fn()]

        result: T = await self._submit(kind=None, rows=1, run=run)
        return result

    async def cpu(self, fn: Callable[[], T]) -> T:
        """Run `fn` in a thread that does not hold the device, of the few that the job's engine has."""
        account = _account.get(None)
        engine = account.engine if account else ""
        if engine not in self._cpu_threads:
            self._cpu_threads[engine] = ThreadPoolExecutor(_CPU_THREADS, thread_name_prefix=f"cpu {engine}")
        return await asyncio.get_running_loop().run_in_executor(self._cpu_threads[engine], fn)

    def apart(self, fn: Callable[..., T], *args: Any) -> T:
        """`fn(*args)` in a process of its own, see `SideProcess`; blocks, so it is for functions that `cpu` runs."""
        return self._apart.run(fn, *args)

    # -- jobs -----------------------------------------------------------------------------------------------

    @property
    def home(self) -> torch.device:
        """Where to load weights: the device, or the host if they are only to be there while they are needed."""
        return self.torch_device if self._lodging is None else torch.device("cpu")

    @property
    def sliced(self) -> bool:
        """Whether attention should go slice by slice: slower, and with less memory."""
        return self.memory_profile == "low"

    @asynccontextmanager
    async def live(self, engine: str, resident_bytes: int) -> AsyncIterator[Account]:
        """Wait until the job's memory fits; then its calls count as this engine's.

        One job may always be live, however large. Jobs of one engine go live in the order they came. Those of another
        may pass one that does not fit, until it has waited `patience_s`: then nobody passes, and room comes free.
        """
        account = Account(engine, resident_bytes, asyncio.get_running_loop().create_future())
        self._waiting.append(account)
        self._admit()
        try:
            await account.admitted
            token = _account.set(account)
            try:
                yield account
            finally:
                _account.reset(token)
        finally:
            if account in self._live:
                self._live.remove(account)
            else:
                self._waiting.remove(account)
            self._admit()
            self._unpark()

    def _admit(self) -> None:
        # Engines whose oldest waiting job cannot be live yet.
        held_back = {account.engine for account in self._live} if self.batching == "requests" else set[str]()
        for account in list(self._waiting):
            if account.engine in held_back:
                continue
            if self._has_place(account) and self._fits(account):
                self._waiting.remove(account)
                self._live.append(account)
                if not account.admitted.done():  # done: cancelled while it waited; `live` takes it off again
                    account.admitted.set_result(None)
            elif self._has_place(account) and time.monotonic() - account.since > self._patience_s:
                return
            else:
                held_back.add(account.engine)

    def _has_place(self, account: Account) -> bool:
        if self.memory_profile == "low":
            return not self._live
        return sum(other.engine == account.engine for other in self._live) < self.max_live_jobs

    def _fits(self, account: Account) -> bool:
        fits = self._held_bytes() + account.resident_bytes <= self.memory.job_bytes  # found out before the first job
        return fits or not self._live

    def _held_bytes(self) -> int:
        return sum(account.resident_bytes for account in self._live) + self.latent_cache_bytes

    # -- the queue ------------------------------------------------------------------------------------------

    async def _submit(
        self,
        kind: Hashable | None,
        rows: int,
        run: Callable[[list[Call]], list[Any]],
        **more: Any,
    ) -> Any:
        account = _account.get()
        call = Call(account, kind, rows, run, asyncio.get_running_loop().create_future(), **more)
        if all(other.account.engine != account.engine for other in self._pending):
            self._clock[account.engine] = max(self._clock.get(account.engine, 0.0), self._virtual_time)
        self._pending.append(call)
        self._arrived.set()
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._serve())
        return await call.answer

    async def _serve(self) -> None:
        while True:
            for _ in range(_SETTLE_TURNS):
                await asyncio.sleep(0)
            self._pending = [call for call in self._pending if not call.answer.done()]  # done: cancelled
            if self._pending:
                await self._forward(self._next_group())
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def _next_group(self) -> list[Call]:
        engine = min({call.account.engine for call in self._pending}, key=lambda name: (self._clock[name], name))
        self._virtual_time = self._clock[engine]
        lead = next(call for call in self._pending if call.account.engine == engine)
        group, rows, contents = [lead], lead.rows, {lead.content}
        for call in self._pending:
            asked = call.content is not None and call.content in contents  # it gets that one's answer
            if call is lead or asked or not self._may_join(call, group):
                continue
            if rows + call.rows <= self.max_batch_rows:
                group.append(call)
                rows += call.rows
                contents.add(call.content)
        self._pending = [call for call in self._pending if call not in group]
        return group

    def _may_join(self, call: Call, group: list[Call]) -> bool:
        """Whether `call` is of the group's kind and what they hold together fits beside what live jobs hold.

        Before a network's first forward nobody knows what it holds: only calls of one job share that.
        """
        lead = group[0]
        if call.kind is None or call.kind != lead.kind or lead.cost is None:
            return False
        if not lead.cost.known:
            return call.account is lead.account
        together = lead.cost.of(sum(one.input_bytes for one in (*group, call)))
        return self._held_bytes() + together <= self.memory.total_bytes

    async def _forward(self, group: list[Call]) -> None:
        started = time.monotonic()
        try:
            outcome: list[Any] | Exception = await self._on_device(lambda: group[0].run(group))
        except Exception as error:  # noqa: BLE001 - whatever a network raises belongs to its callers
            outcome = error
        self._book(group, time.monotonic() - started)
        if isinstance(outcome, Exception):
            await self._alone(group, outcome)
            return
        for call, answer in zip(group, outcome, strict=True):
            for caller in (call, *self._twins(call)):
                if not caller.answer.done():
                    caller.answer.set_result(answer)

    def _twins(self, call: Call) -> list[Call]:
        """The waiting calls that want the same answer."""
        if call.content is None:
            return []
        return [other for other in self._pending if (other.kind, other.content) == (call.kind, call.content)]

    async def _alone(self, group: list[Call], error: Exception) -> None:
        """A failed forward: find out whose fault it was, so that nobody suffers from his company."""
        if len(group) > 1:
            for call in group:
                await self._forward([call])
            return
        call = group[0]
        if is_out_of_memory(error):
            await self._on_device(self._empty_cache)
            if len(self._live) > 1:
                self._parked.append(call)
                self._break_deadlock()
                return
            if call.run_lean is not None:
                call.on_lean()
                call.run, call.run_lean = call.run_lean, None
                await self._forward([call])
                return
            error = DeviceMemoryError(f"the job does not fit the device's memory: {self.torch_device}")
        elif is_device_lost(error):
            error = DeviceLostError(f"the device was lost: {error}")
        if not call.answer.done():
            call.answer.set_exception(error)

    def _break_deadlock(self) -> None:
        """If all live jobs wait for memory, the youngest gives way."""
        parked = {call.account for call in self._parked if not call.answer.done()}
        if parked == set(self._live):
            youngest = self._live[-1]
            for call in self._parked:
                if call.account is youngest and not call.answer.done():
                    call.answer.set_exception(CrowdedError())

    def _unpark(self) -> None:
        self._pending += self._parked
        self._parked = []
        self._arrived.set()

    def _book(self, group: list[Call], elapsed_s: float) -> None:
        rows = sum(call.rows for call in group)
        self.stats.forwards += 1
        self.stats.slowest_s = max(self.stats.slowest_s, elapsed_s)
        self.stats.rows[rows] += 1
        for call in group:
            share_s = elapsed_s * call.rows / rows
            call.account.device_s += share_s
            self._clock[call.account.engine] += share_s / self._shares.get(call.account.engine, 1.0)

    # -- the thread -----------------------------------------------------------------------------------------

    def _on_device(self, fn: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, fn)

    def _guarded(self, fn: Callable[[], T]) -> T:
        with torch.no_grad():
            result = fn()
        if self.torch_device.type == "cuda":
            torch.cuda.synchronize(self.torch_device)
        return result

    def _empty_cache(self) -> None:
        if self.torch_device.type == "cuda":
            torch.cuda.empty_cache()

    def close(self) -> None:
        """Stop the threads and the process beside. What still waits for the device waits in vain."""
        if self._pump is not None:
            self._pump.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
        for threads in self._cpu_threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
        self._apart.close()


def open_device(
    name: str = "auto",
    dtype: str = "auto",
    *,
    max_batch_rows: int = 8,
    max_live_jobs: int = 8,
    batching: Batching = "steps",
    memory_bytes: int | None = None,
    shares: Mapping[str, float] | None = None,
    memory_profile: MemoryProfile = "resident",
    latent_cache_bytes: int = 0,
    latent_cache_s: float = 3600.0,
    compiled: bool = False,
) -> Device:
    """The device called `name` ("auto": the GPU if there is one), computing in `dtype`.

    "auto" is float16 on a GPU (users of CatVTON report worse pictures with bfloat16) and float32 on the CPU, which
    agrees with the reference.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if dtype == "auto":
        dtype = "float16" if name.startswith("cuda") else "float32"
    return Device(
        torch.device(name),
        getattr(torch, dtype),
        max_batch_rows=max_batch_rows,
        max_live_jobs=max_live_jobs,
        batching=batching,
        memory_bytes=memory_bytes,
        shares=shares,
        memory_profile=memory_profile,
        latent_cache_bytes=latent_cache_bytes,
        latent_cache_s=latent_cache_s,
        compiled=compiled,
    )
