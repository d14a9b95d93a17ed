"""A worker seen from the other end of its socket."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from pydantic import JsonValue

from container.loading import load
from container.messages import Beat, Cancel, JobCancelled, Message, Ready, Run
from container.settings import Settings
from container.worker import describe
from container.worker_process import WorkerProcess, worker_environment
from serve.marks import Accepted
from serve.spool import JobDirectory
from tests.server import ROOT


def test_a_job_cancelled_before_it_began_is_reported_as_ended(tmp_path: Path) -> None:
    directory = tmp_path / "job"
    (directory / "inputs").mkdir(parents=True)
    request: dict[str, JsonValue] = {"type": "probe", "steps_s": [0.1] * 100}
    accepted = Accepted(
        id="job", digest="", kept=False, prefix=None, deadline_s=None, engine="probe", request=request, references={}
    )
    JobDirectory(directory).mark(accepted)

    async def ended() -> Message:
        settings = {"MODEL_DIR": "demo", "ENGINES": "probe", "SPOOL_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
        environment = worker_environment(os.environ, Settings.names_for_workers()) | settings
        worker = await WorkerProcess.start([sys.executable, "-m", "tests.probe", "worker"], environment)
        try:
            async for message in worker:
                if isinstance(message, Ready):
                    # In one piece, so that both lines are read before the job's task has its first turn.
                    worker._writer.write(Run(job="job").line() + Cancel(job="job").line())
                if not isinstance(message, Ready | Beat):
                    return message
        finally:
            worker.kill()
            await worker.end()
        raise AssertionError("the worker died")

    assert asyncio.run(asyncio.wait_for(ended(), 180)) == JobCancelled(job="job")


def test_settings_of_memory_reach_the_device() -> None:
    computer = load(Settings(model_dir="demo", device="cpu", memory_profile="low", memory_bytes=10**9))
    device = computer.device
    assert device.config.memory_profile == "low"
    assert describe(device).items() >= {"memory_bytes": 10**9, "job_bytes": 10**9 // 2}.items()
    device.close()
