"""What clients are told, each thing defined once: answers and their outputs, progress, jobs, problems."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

JobState = Literal["queued", "running", "done", "failed"]


class Told(BaseModel):
    """Base: members that another version has written and this one does not know are dropped."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class OutputFile(Told):
    """One file of a result."""

    name: str
    content_type: str
    bytes: int = Field(ge=0)
    sha256: str = Field(description="Of the file, in hexadecimal.")


class InlineOutput(OutputFile):
    """A file that travels in the answer."""

    data: str = Field(description="The file as base64.")


class StoredOutput(OutputFile):
    """A file that lies in storage."""

    uri: str = Field(description="`s3://bucket/key` or `file:///path`.")


class PresignedOutput(StoredOutput):
    """A file in S3 that anybody may read for a while."""

    presigned_url: str = Field(description="Valid for `output.presign_s` from when the file was stored.")


AnswerOutput = InlineOutput | PresignedOutput | StoredOutput


class Notice(Told):
    """Something that did not stop the job."""

    code: str
    message: str


class UsedModel(Told):
    """What computed the answer."""

    engine: str
    fingerprint: str | None = Field(description="Of the weights.")
    licence: str | None = Field(description="Of the weights, of all engines that worked on it.")


class Answer(Told):
    """A job's result."""

    id: str
    type: str
    engine: str
    state: Literal["done"]
    seed: int
    settings: dict[str, JsonValue] = Field(description="As they were used; with the seed they repeat a result.")
    outputs: list[AnswerOutput]
    warnings: list[Notice]
    timings: dict[str, float] = Field(description="Seconds by stage.")
    model: UsedModel


class ProblemDetails(Told):
    """Why there is no result (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="One sentence for people.")
    code: str = Field(description="Stable and machine readable.")
    field: str | None = Field(description="The request field at fault.")
    retryable: bool
    retry_after_s: float | None
    request_id: str | None


class FailedLine(Told):
    """The answer to a line of a batch that has none."""

    id: str | None
    state: Literal["failed"] = "failed"
    problem: ProblemDetails


class Progress(Told):
    """How far a job is."""

    id: str
    stage: str
    done: int
    total: int
    elapsed_s: float
    position: int = Field(0, description="Its place among the jobs that wait; 0: it waits no longer.")
    expected_s: float | None = Field(None, description="Until its end, as foreseen; null while nothing was measured.")


class ProgressEvent(Progress):
    """In a stream."""

    event: Literal["progress"] = "progress"


class AnswerEvent(Answer):
    """The end of a stream."""

    urls: dict[str, str] = Field({}, description="Of a job's: where its files are given out, by their names.")
    event: Literal["answer"] = "answer"


class ProblemEvent(ProblemDetails):
    """The end of a stream."""

    event: Literal["problem"] = "problem"


Event = ProgressEvent | AnswerEvent | ProblemEvent


class TakenJob(Told):
    """What is said of a job that is handed in."""

    id: str
    state: JobState
    estimated_s: float | None = Field(description="Seconds until its end; null while nothing was measured.")
    url: str
    events_url: str = Field(description="Its progress as a stream. With a token: signed, and valid for a while.")


class EndedJob(Told):
    """What a webhook is told of a job. The answer's outputs are without their bytes."""

    id: str
    state: Literal["done", "failed", "cancelled"]
    answer: Answer | None
    problem: ProblemDetails | None
    url: str
    events_url: str
    urls: dict[str, str] = Field(description="Where its files are given out, by their names; with a token: signed.")


class WebhookBody(Told):
    """What a webhook is sent."""

    type: str = Field(description="`job.done`, `job.failed` or `job.cancelled`.")
    timestamp: str = Field(description="When the job ended.")
    data: EndedJob


class JobStatus(Told):
    """What is said of a job later. `answer` and `problem` are what `/invocations` would have sent."""

    model_config = ConfigDict(title="Job")  # what clients call it

    id: str
    state: JobState
    progress: Progress | None = None
    answer: Answer | None = None
    problem: ProblemDetails | None = None
    events_url: str = Field(description="Its progress as a stream. With a token: signed, and valid for a while.")
    urls: dict[str, str] = Field({}, description="Where its files are given out, by their names; as `events_url`.")
