"""A try-on, a job and a form by the client of openapi-python-client: URL, pictures as JSON on the command line."""

from __future__ import annotations

import base64
import io
import json
import sys
import time

from made_client import Client
from made_client.api.invocations import invoke
from made_client.api.jobs import get_job, submit_job
from made_client.models import (
    Answer,
    CatvtonRequest,
    Form,
    InlineOutput,
    Job,
    JobState,
    Output,
    OutputFormat,
    TakenJob,
)
from made_client.types import File

url, given = sys.argv[1:]
pictures: dict[str, str] = json.loads(given)
client = Client(base_url=url, raise_on_unexpected_status=True, timeout=180.0)


def request() -> CatvtonRequest:
    return CatvtonRequest(type_="tryon", **pictures, width=96, height=128, steps=2, seed=7)


one = request()
one.output = Output(format_=OutputFormat.JPEG)
answer = invoke.sync(client=client, body=one)
assert isinstance(answer, Answer), answer
[output] = answer.outputs
assert isinstance(output, InlineOutput)

one = request()
one.id = "a-job-of-python"
taken = submit_job.sync(client=client, body=one)
assert isinstance(taken, TakenJob), taken
while True:
    job = get_job.sync(taken.id, client=client)
    assert isinstance(job, Job), job
    if job.state not in (JobState.QUEUED, JobState.RUNNING):
        break
    time.sleep(0.05)
assert isinstance(job.answer, Answer), job

files = {name: File(io.BytesIO(base64.b64decode(data)), f"{name}.png") for name, data in pictures.items()}
made = invoke.sync(client=client, body=Form(**files, width=96, height=128, steps=2, seed=7))
assert isinstance(made, Answer), made

told = {
    "seed": answer.seed,
    "type": output.content_type,
    "bytes": len(output.data),
    "job": [one.name for one in job.answer.outputs],
    "made": [made.outputs[0].content_type, made.outputs[0].bytes_],
}
sys.stdout.write(json.dumps(told))
