"""What comes back: told, and saved."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import httpx

from client.asking import invoke
from client.problems import Failed, NotReadable
from client.progress import say, stage_bar
from serve.s3 import S3
from serve.store import Store, StoreError


def results_of(http: httpx.Client, body: Mapping[str, object], out: Path) -> list[Path]:
    """Send one request, tell what happens, and save what comes back; returns the files."""
    with stage_bar() as on_progress:
        answer = invoke(http, body, on_progress)
    for warning in answer["warnings"]:
        say(f"note: {warning['message']} ({warning['code']})")
    say(f"seed {answer['seed']}")
    out.mkdir(parents=True, exist_ok=True)
    return [file for output in answer["outputs"] if (file := save(output, out))]


def save(output: Mapping[str, str], folder: Path) -> Path | None:
    """Save one result and print where it is; None when it is stored where this machine cannot read."""
    file = folder / Path(output["name"]).name
    if "uri" in output:
        print(output["uri"])
    try:
        file.write_bytes(content_of(output))
    except NotReadable as error:
        say(f"note: {error}")
        return None
    print(file)
    return file


def content_of(output: Mapping[str, str]) -> bytes:
    """The bytes of one result, from the answer itself or from where it is stored.

    Raises:
        NotReadable: it is stored out of reach.
        Failed: its checksum is not what the answer says.
    """
    content = base64.b64decode(output["data"]) if "data" in output else _download(output["uri"])
    if hashlib.sha256(content).hexdigest() != output["sha256"]:
        raise Failed(f"{output['name']} arrived damaged: its sha256 is not {output['sha256']}")
    return content


def _download(uri: str) -> bytes:
    s3 = S3(region=os.environ.get("AWS_REGION"), endpoint_url=os.environ.get("S3_ENDPOINT_URL"))
    try:
        content = asyncio.run(Store(s3=s3, default_prefix=None, allow=()).read(uri))
    except StoreError as error:
        raise NotReadable(f"{uri} cannot be read from here: {error}") from error
    if content is None:
        raise NotReadable(f"{uri} cannot be read from here: there is nothing")
    return content
