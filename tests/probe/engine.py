from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, full, nn, tensor

from model.engine import Choices, Job
from model.errors import InputError
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall
from tests.probe.codes import ProbeCode, UnheardOf
from tests.probe.request import Request as ProbeRequest


class Sleep(nn.Module):
    """As many seconds as the largest row says: together they sleep once. Below 0: until there is a `gate`."""

    gate = Path()

    def forward(self, seconds: Tensor) -> Tensor:
        while bool((seconds < 0).any()) and not self.gate.exists():
            time.sleep(0.01)
        time.sleep(max(0.0, float(seconds.max())))
        return seconds


class Probe:
    name: ClassVar[str] = "probe"
    Request = ProbeRequest

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        self.sleeping = Sleep()
        self.sleep = device.batched(self.sleeping)

    async def run(self, request: ProbeRequest, job: Job) -> None:
        steps_s = request.steps_s + request.unforeseen_s
        if request.gate is not None:
            self.sleeping.gate = Path(request.gate)
        for i, seconds in enumerate(steps_s):
            await self.sleep(full((request.rows, 1), seconds))
            job.progress("wait", i + 1, len(steps_s))
        match request.then:
            case "refuse":
                raise InputError("'picture' is not liked", code=ProbeCode.NOT_LIKED, field="picture")
            case "mumble":
                raise InputError("a secret of /etc/passwd", code=UnheardOf.MUMBLED)
            case "bug":
                raise ValueError("a secret of /etc/passwd")
            case "die":
                os._exit(9)
            case "die_computed":
                die_when_marked(job.outputs.parent)
            case "unbeat":
                del self.device.stats  # which the worker looks at every second
                await asyncio.sleep(1000)
            case "hang":
                await self.device.run(lambda: time.sleep(1000))
        digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in job.inputs.items()}
        (job.outputs / "result.txt").write_text(f"seed {request.seed} {digests}\n")
        if request.then == "fill":
            (job.outputs / "large.bin").write_bytes(os.urandom(request.kilobytes * 1000))

    def choices(self) -> Choices:
        return Choices()

    def resident_bytes(self, request: ProbeRequest) -> int:
        return 0

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        yield WarmCall("sleep", self.sleep, (tensor([[0.0]]),))


def die_when_marked(directory: Path) -> None:
    """End the process when it looks at the directory after its `result.json` was renamed into it."""

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[0] == os.fspath(directory) and (directory / "result.json").exists():
            os._exit(9)

    sys.addaudithook(heard)
