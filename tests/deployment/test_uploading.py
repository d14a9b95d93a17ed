"""Uploading a folder of weights to a real S3-compatible server, as endpoints and as batch transform load it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import weights
from packs.tar_stream import TarStream

from tests.conftest import KEYS, Bucket
from tests.server import ROOT

Upload = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of weights with a manifest."""
    folder = tmp_path / "weights"
    (folder / "catvton" / "vae").mkdir(parents=True)
    (folder / "catvton/vae/config.json").write_bytes(b"{}")
    (folder / "catvton/vae/tensors.bin").write_bytes(bytes(range(256)) * 64)
    facts = {"catvton/vae/config.json": {"sha256": hashlib.sha256(b"{}").hexdigest()}}
    (folder / "manifest.json").write_text(json.dumps({"files": facts}))
    return folder


@pytest.fixture
def upload(folder: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Upload:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> int:
        place = ("--endpoint-url", bucket.url, "--region", "us-east-1")
        return weights.main(["upload", str(folder), *arguments, "--no-check", *place])  # there are no real tensors

    return run


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A prefix of the test's own."""
    return f"{request.node.name}/"


def test_every_file_is_an_object_under_the_prefix(upload: Upload, bucket: Bucket, prefix: str, folder: Path) -> None:
    assert upload(f"s3://{bucket.name}/{prefix}") == 0
    names = ["catvton/vae/config.json", "catvton/vae/tensors.bin", "manifest.json"]
    assert bucket.keys(prefix) == [prefix + name for name in names]
    for name in names:
        assert bucket.read(f"s3://{bucket.name}/{prefix}{name}") == (folder / name).read_bytes()


def test_only_what_changed_is_uploaded_again(
    upload: Upload, bucket: Bucket, prefix: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upload(f"s3://{bucket.name}/{prefix}")
    file = folder / "catvton/vae/tensors.bin"
    file.write_bytes(bytes(file.stat().st_size))  # no other size
    capsys.readouterr()
    upload(f"s3://{bucket.name}/{prefix}")
    uploaded = [line for line in capsys.readouterr().out.splitlines() if line.startswith("upload")]
    assert len(uploaded) == 1
    assert bucket.read(f"s3://{bucket.name}/{prefix}catvton/vae/tensors.bin") == file.read_bytes()


def test_a_dry_run_uploads_nothing(
    upload: Upload, bucket: Bucket, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upload(f"s3://{bucket.name}/{prefix}", "--dry-run") == 0
    assert f"upload s3://{bucket.name}/{prefix}catvton/vae/tensors.bin (16,384 bytes)" in capsys.readouterr().out
    assert bucket.keys(prefix) == []


def test_what_else_lies_there_is_kept_and_said(
    upload: Upload, bucket: Bucket, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.put(f"{prefix}older.bin", b"older")
    upload(f"s3://{bucket.name}/{prefix}")
    assert f"{prefix}older.bin is not in" in capsys.readouterr().out
    assert f"{prefix}older.bin" in bucket.keys(prefix)


def test_what_the_check_refuses_is_not_uploaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # whose `weights` is taken when no folder is named
    assert weights.main(["upload", "s3://bucket/weights/", "--dry-run"]) == 1
    said = capfd.readouterr()
    assert "catvton/base/unet/config.json: missing" in said.out
    assert "upload s3://" not in said.out
    assert said.err.endswith("error: weights is not uploaded: it could not be served\n")


@pytest.mark.usefixtures("no_credentials")
def test_what_the_check_is_pleased_with_is_uploaded(capfd: pytest.CaptureFixture[str]) -> None:
    assert weights.main(["upload", str(ROOT / "model/demo_pack/data"), "s3://bucket/weights/", "--dry-run"]) == 0
    assert "upload s3://bucket/weights/manifest.json" in capfd.readouterr().out


def test_the_projects_own_code_is_no_folder_of_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert weights.main(["upload", str(ROOT / "model"), "s3://bucket/weights/", "--dry-run", "--no-check"]) == 1
    assert "__init__.py is a program: this is no folder of weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("catvton/", "a folder's own object 'catvton/'"),
        ("a//b", "a file named 'a//b'"),
        ("../up", "a file named '../up'"),
        ("catvton", "catvton would be a file and the folder of"),
        ("x" * 256, "a file named 'xxx"),
    ],
)
def test_names_that_keep_a_model_from_being_deployed_are_refused(
    upload: Upload, bucket: Bucket, folder: Path, capsys: pytest.CaptureFixture[str], key: str, complaint: str
) -> None:
    prefix = f"refused/{len(key)}{key[:1]}/"
    bucket.put(prefix + key, b"")
    assert upload(f"s3://{bucket.name}/{prefix}") == 1
    assert complaint in capsys.readouterr().err
    assert bucket.keys(prefix) == [prefix + key]


def test_a_file_that_is_not_what_the_manifest_says_is_refused(
    upload: Upload, bucket: Bucket, prefix: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "catvton/vae/config.json").write_bytes(b"[]")
    assert upload(f"s3://{bucket.name}/{prefix}") == 1
    assert "catvton/vae/config.json: its digest is" in capsys.readouterr().err
    assert bucket.keys(prefix) == []


def test_a_prefix_without_its_slash_is_refused(upload: Upload, capsys: pytest.CaptureFixture[str]) -> None:
    assert upload("s3://bucket/model") == 1
    assert "a prefix ends with a slash" in capsys.readouterr().err


def test_the_archive_has_the_files_at_its_root(upload: Upload, bucket: Bucket, prefix: str, folder: Path) -> None:
    uri = f"s3://{bucket.name}/{prefix}model.tar.gz"
    assert upload(uri, "--tar") == 0
    with tarfile.open(fileobj=io.BytesIO(bucket.read(uri)), mode="r:gz") as archive:
        names = ["catvton/vae/config.json", "catvton/vae/tensors.bin", "manifest.json"]
        assert archive.getnames() == names
        for name in names:
            member = archive.extractfile(name)
            assert member is not None
            assert member.read() == (folder / name).read_bytes()


def test_an_archive_that_breaks_off_is_an_error(folder: Path) -> None:
    with TarStream(folder, ["manifest.json", "gone.bin"]) as archive, pytest.raises(OSError, match=r"gone\.bin"):
        archive.read()


def test_an_archive_nobody_reads_on_ends(folder: Path) -> None:
    (folder / "large.bin").write_bytes(os.urandom(2**20))  # more than a pipe holds
    with TarStream(folder, ["large.bin", "manifest.json"]) as archive:
        start = archive.read(1)
    assert start == gzip.compress(b"")[:1]
