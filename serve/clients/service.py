"""Ours, as far as other services' routes need it."""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from model.engines.registry import request_class
from serve.addresses_of_jobs import Addresses
from serve.answers import Answer, AnswerOutput
from serve.body import RequestBody
from serve.catalogue import Catalogue
from serve.hang_up import unless_gone
from serve.health import Health
from serve.intake import Intake
from serve.job_files import JobFiles
from serve.jobs import Jobs
from serve.live_job import LiveJob
from serve.metrics import Metrics
from serve.picture_header import size_in
from serve.webhooks import Webhooks
from serve.workers import Workers


@dataclass(frozen=True)
class ClientSettings:
    """What an operator can set for some of the clients."""

    input_allow: Collection[str]
    allow_file_uris: bool
    omoib_answers: bool
    up2you_data_dir: str | None
    up2you_output_dir: str | None
    vesaki_limits: Sequence[str]  # of try-ons, batches and looks


@dataclass(frozen=True)
class Service:
    """What is asked of us, and what answers are told from."""

    intake: Intake
    jobs: Jobs
    files: JobFiles
    addresses: Addresses
    health: Health
    workers: Workers
    metrics: Metrics
    catalogue: Catalogue
    deadline_s: float  # of an answer that somebody waits for
    job_deadline_s: float  # of what nobody needs to wait for
    detector_ready: bool  # whether a detector of people is among the weights
    parameters_of: Callable[[str], Counter[str]]  # of an engine: numbers by network
    webhooks: Webhooks
    folder: Path  # for what is remembered beside the jobs
    kept_s: float  # how long answers are
    most_jobs: int  # that are taken and have not ended
    settings: ClientSettings

    async def answered(self, request: Request, body: RequestBody) -> Answer | None:
        """What somebody waits for; None: the client has gone.

        Raises:
            Problem: there is none.
        """
        taken = await self.intake.submit(body, self.deadline_s)
        if isinstance(taken.job, LiveJob):
            return await unless_gone(request, self.jobs.wait(taken.job, taken.deadline_s))
        return taken.job

    async def handed_in(self, body: RequestBody) -> LiveJob | Answer:
        """A job that goes on without anybody waiting for it.

        Raises:
            Problem: it is not taken.
        """
        return await self.intake.hand_in(body, self.job_deadline_s)

    def url_of(self, base: str, answer: Answer, output: AnswerOutput) -> str:
        """A whole address of a file, which does without a token for a while. `base`: where this service is asked."""
        return f"{base}{self.addresses.outputs(answer.id, [output])[output.name]}"

    def engine_or_default(self, name: str) -> Mapping[str, str]:
        """Names the engine where it is loaded; else whoever answers such requests does."""
        return {"engine": name} if name in self.workers.models else {}

    def has_presets(self, names: Collection[str]) -> bool:
        """Whether a try-on that is loaded knows all these values of `quality`."""
        classes = [request_class(name) for name, model in self.workers.models.items() if model.type == "tryon"]
        return any(set(names) <= one.presets.keys() for one in classes)


def base_of(request: Request) -> str:
    """Where this service was asked, as `https://host`."""
    return str(request.base_url).rstrip("/")


def pictures_of(answer: Answer) -> list[AnswerOutput]:
    """The pictures of people in an answer, not those that were asked for beside them."""
    return [one for one in answer.outputs if Path(one.name).stem.startswith("result")]


def size_of(content: bytes) -> tuple[int, int] | None:
    """Width and height of a picture's file, if it begins like one."""
    try:
        return size_in(io.BytesIO(content))
    except (OSError, SyntaxError, ValueError, struct.error):
        return None
