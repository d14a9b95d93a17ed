"""A whole test set through the engine, several people at once."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from model.engine import Engine, Job
from model.engines.catvton.request import Request
from model.runtime.device import Device

OnDone = Callable[[], object]


@dataclass(frozen=True)
class PlannedTryOn:
    """A request whose pictures are named by their files, and where its result goes (a PNG)."""

    request: Request
    result: Path


async def dress_all(engine: Engine, device: Device, tasks: Sequence[PlannedTryOn], at_once: int, done: OnDone) -> None:
    """Compute every task, `at_once` of them together, which share the device's forwards.

    Raises:
        EngineError: the first that a task raised; what was computed by then stays.
    """
    turn = asyncio.Semaphore(at_once)

    async def dress(task: PlannedTryOn) -> None:
        async with turn, device.live(engine.name, engine.resident_bytes(task.request)):
            with TemporaryDirectory() as folder:
                files = {name: Path(file) for name, file in task.request.inputs().items()}
                await engine.run(task.request, Job(files, Path(folder)))
                task.result.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(folder) / "result.png", task.result)
        done()

    await asyncio.gather(*map(dress, tasks))
