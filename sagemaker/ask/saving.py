"""Results to files: from the answer itself, or from where it says they are stored."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from botocore.client import BaseClient
from common.command_line import split_uri
from common.failures import Failed, Json, told


def save_all(answer: Json, folder: Path, s3: BaseClient) -> list[Path]:
    """Write every output of `answer` to `folder`, under its own name.

    Raises:
        Failed: one cannot be read, or is not what the answer says it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_save(output, folder, s3) for output in answer["outputs"]]


def _save(output: Json, folder: Path, s3: BaseClient) -> Path:
    content = base64.b64decode(output["data"]) if "data" in output else _download(output["uri"], s3)
    if hashlib.sha256(content).hexdigest() != output["sha256"]:
        raise Failed(f"{output['name']} arrived damaged: its sha256 is not {output['sha256']}")
    file = folder / Path(output["name"]).name
    file.write_bytes(content)
    return file


def _download(uri: str, s3: BaseClient) -> bytes:
    if not uri.startswith("s3://"):
        raise Failed(f"{uri} is out of reach of this machine")
    bucket, key = split_uri(uri)
    with told():
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content
