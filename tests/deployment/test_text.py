"""Files that people wrote on other systems, and machines that speak no UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import batch
import invoke
import pytest
from ask import manifest
from common.failures import Failed

from tests.deployment.conftest import IMAGE, REGION, ROLE, Aws
from tests.server import ROOT

SEPARATOR = "\u2028"  # a line to Unicode, not to JSON lines
REQUESTS = [{"id": "one", "person": f"s3://bucket/Zoë{SEPARATOR}1.png"}, {"id": "two", "person": "s3://bucket/2.png"}]
LINES = "\r\n".join(json.dumps(request, ensure_ascii=False) for request in REQUESTS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_manifest_is_read_however_it_was_saved(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "manifest.jsonl"
    file.write_bytes(LINES.encode(encoding))
    assert manifest.read(file) == REQUESTS


def test_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "manifest.jsonl"
    file.write_bytes(LINES.replace(SEPARATOR, "").encode("latin-1"))
    with pytest.raises(Failed, match="not UTF-8: invalid continuation byte at byte "):
        manifest.read(file)


def in_plain_ascii(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script on a machine whose locale has no other characters."""
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "AWS_DEFAULT_REGION": REGION}
    environment = {**os.environ, **ascii_only, "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, str(ROOT / "sagemaker" / script), *arguments, "--dry-run"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)


def test_a_request_is_sent_as_it_was_written_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_bytes(json.dumps(REQUESTS[0], ensure_ascii=False).encode("utf-8-sig"))
    done = in_plain_ascii("invoke.py", "realtime", "--endpoint", "atelier", "--request", f"{tmp_path}/request.json")
    assert done.returncode == 0, done.stderr
    assert "id one" in done.stderr


def test_a_batch_is_told_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(LINES.encode())
    where = ["--model-data", "s3://bucket/w.tar.gz", "--output-prefix", "s3://bucket/results/", "--region", REGION]
    options = ["--manifest", str(tmp_path / "manifest.jsonl"), "--image", IMAGE, "--role", ROLE, *where]
    done = in_plain_ascii("batch.py", *options)
    assert done.returncode == 0, done.stderr
    assert "create_transform_job" in done.stdout


@pytest.mark.parametrize("bucket", ["My-Bucket", "my_bucket", "ab"])
def test_a_name_that_no_bucket_can_have_is_blamed(bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        invoke.main(["async", "--endpoint", "a", "--person", "https://a/b", "--input-prefix", f"s3://{bucket}/in/"])
    assert f"'{bucket}' can be no bucket's name" in capsys.readouterr().err


def test_a_bucket_that_is_not_there_is_named(aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(LINES.encode())
    what = ["--image", IMAGE, "--role", ROLE, "--model-data", "s3://bucket/w.tar.gz"]
    where = ["--output-prefix", "s3://nobodys-bucket/results/"]
    assert batch.main(["--manifest", str(tmp_path / "manifest.jsonl"), *what, *where]) == 1
    assert capsys.readouterr().err.endswith("The specified bucket does not exist: 'nobodys-bucket'\n")
