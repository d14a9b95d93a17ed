"""A MODEL_DIR to S3: as objects under a prefix, which endpoints load as they are, or as one archive.

What hosting asks of the names under a prefix: "S3ModelDataSource" in the API reference,
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from boto3.s3.transfer import TransferConfig
from common.calls import Caller
from common.command_line import bucket_complaint

from packs.hub import digests
from packs.pack_manifest import NAME, PackManifest
from packs.tar_stream import TarStream
from packs.weight_errors import ChecksumError, LayoutError

_PARALLEL = TransferConfig(max_concurrency=16, multipart_chunksize=64 * 2**20)  # a part of a file a connection
_MOST_NAME_BYTES = 255  # of a file on Linux
_PROGRAMS = (".py", ".pyc", ".sh")
_SHA256 = "sha256"  # in an object's metadata; S3's own checksum of an object in parts is not that of the file


def upload_prefix(folder: Path, to: str, caller: Caller) -> None:
    """Put the files of `folder` under the prefix `to`, parts of them in parallel; what is there already is skipped.

    Raises:
        LayoutError: `to` is no prefix, or a name in `folder` or already under `to` would keep the model from being
            deployed.
        ChecksumError: a file is not what the manifest says.
    """
    bucket, prefix = _address(to)
    if prefix and not prefix.endswith("/"):
        raise LayoutError(to, "a prefix ends with a slash")
    names = _names(folder)
    present = set() if caller.dry_run else _present(caller, bucket, prefix)
    _refuse_unusable(to, {*names, *present})
    for name in sorted(present.difference(names)):
        print(f"note: {to}{name} is not in {folder}, and will be part of the model")
    for name in names:
        file, sha256 = folder / name, _verified(folder, name)
        if name in present and _same(caller, bucket, prefix + name, file.stat().st_size, sha256):
            print(f"there  {to}{name}")
            continue
        print(f"upload {to}{name} ({file.stat().st_size:,} bytes)", flush=True)
        if not caller.dry_run:
            stated = {"Metadata": {_SHA256: sha256}}
            caller.client("s3").upload_file(str(file), bucket, prefix + name, ExtraArgs=stated, Config=_PARALLEL)


def upload_tar(folder: Path, to: str, caller: Caller) -> None:
    """Put the files of `folder`, at its root, into the archive `to`; it is never on disk as a whole.

    Raises:
        LayoutError: `to` is no archive's address, or `folder` holds something else than weights.
        ChecksumError: a file is not what the manifest says.
    """
    bucket, key = _address(to)
    if not key.endswith(".tar.gz"):
        raise LayoutError(to, "the archive's name ends with .tar.gz")
    names = _names(folder)
    for name in names:
        _verified(folder, name)
    size = sum((folder / name).stat().st_size for name in names)
    print(f"upload {to} ({len(names)} files, {size:,} bytes)", flush=True)
    if not caller.dry_run:
        with TarStream(folder, names) as archive:
            caller.client("s3").upload_fileobj(archive, bucket, key, Config=_PARALLEL)


def _address(uri: str) -> tuple[str, str]:
    match = re.fullmatch(r"s3://([^/]+)/(.*)", uri)
    if match is None:
        raise LayoutError(uri, "expected s3://bucket/...")
    if complaint := bucket_complaint(match[1]):
        raise LayoutError(uri, complaint)
    return match[1], match[2]


def _names(folder: Path) -> list[str]:
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    if not names:
        raise LayoutError(str(folder), "there is no file in it")
    if programs := [name for name in names if name.endswith(_PROGRAMS)]:
        raise LayoutError(str(folder), f"{programs[0]} is a program: this is no folder of weights")
    return names


def _verified(folder: Path, name: str) -> str:
    """The file's sha256, which is also the manifest's if that knows the file."""
    sha256 = digests(folder / name).sha256
    stated = PackManifest(folder).files.get(name, {}).get(_SHA256) if name != NAME else None
    if stated not in (None, sha256):
        raise ChecksumError(name, str(stated), sha256)
    return sha256


def _present(caller: Caller, bucket: str, prefix: str) -> set[str]:
    pages = caller.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"].removeprefix(prefix) for page in pages for item in page.get("Contents", [])}


def _same(caller: Caller, bucket: str, key: str, size: int, sha256: str) -> bool:
    head = caller("s3", "head_object", Bucket=bucket, Key=key)
    return bool(head["ContentLength"] == size and head["Metadata"].get(_SHA256) == sha256)


def _refuse_unusable(to: str, names: Collection[str]) -> None:
    for name in sorted(names):
        parts = name.split("/")
        if not parts[-1]:
            raise LayoutError(to, f"has a folder's own object {name!r}, which hosting cannot load: delete it")
        if any(part in ("", ".", "..") or "\0" in part or len(part.encode()) > _MOST_NAME_BYTES for part in parts):
            raise LayoutError(to, f"hosting cannot load a file named {name!r}")
        if clash := {str(parent) for parent in PurePosixPath(name).parents} & set(names):
            raise LayoutError(to, f"{min(clash)} would be a file and the folder of {name!r}: delete one")
