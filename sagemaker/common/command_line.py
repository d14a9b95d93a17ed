"""What the commands here have in common: words to people, exit statuses, addresses in S3."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from common.failures import Failed

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"s3://([^/]+)/(.*)", re.DOTALL)


def say(text: str) -> None:
    """What is going on goes to stderr; stdout is for results."""
    print(text, file=sys.stderr, flush=True)


def exit_status(run: Callable[[], None]) -> int:
    """0: done; 1: it failed, and one line said why; 130: interrupted."""
    speak_any_language()
    try:
        run()
    except (Failed, ClientError, BotoCoreError, OSError) as error:
        say(f"atelier: {' '.join(words_of(error).split())}")
        return 1
    except KeyboardInterrupt:
        say("atelier: interrupted")
        return 130
    return 0


def speak_any_language() -> None:
    """Print what the locale has no characters for escaped, instead of breaking off."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def words_of(error: Exception) -> str:
    """What is said of an error; S3 itself does not name the bucket it cannot find."""
    problem = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
    bucket: object = problem.get("BucketName")
    return f"{error}: {bucket!r}" if problem.get("Code") == "NoSuchBucket" and bucket else str(error)


def common_options() -> argparse.ArgumentParser:
    """Where the services are, and whether to call them at all."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--region", help="default: boto3's usual chain, such as AWS_DEFAULT_REGION")
    options.add_argument("--endpoint-url", help="another address of the service, such as an emulator's")
    options.add_argument("--dry-run", action="store_true", help="check and print the calls, make none that changes")
    return options


def s3_folder(argument: str) -> str:
    """An argument that is the address of a folder in S3."""
    address = _ADDRESS.fullmatch(argument)
    if address is None or not f"/{address[2]}".endswith("/"):
        raise argparse.ArgumentTypeError(f"expected s3://bucket/ or s3://bucket/key/, ending in '/', got {argument!r}")
    if complaint := bucket_complaint(address[1]):
        raise argparse.ArgumentTypeError(complaint)
    return argument


def bucket_complaint(name: str) -> str | None:
    """What is wrong with the name of a bucket; None: nothing."""
    if _BUCKET.fullmatch(name):
        return None
    return f"{name!r} can be no bucket's name: those are 3 to 63 small letters, digits, dots and hyphens"


def environment_of(words: list[str]) -> dict[str, str]:
    """`NAME=VALUE` arguments as a mapping."""
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise Failed(f"--env {name!r}: expected NAME=VALUE")
    return {name: value for name, _, value in pairs}


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/a/b` -> (`bucket`, `a/b`)."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
