"""What a caller of InvokeEndpointAsync asks for, checked as the service checks it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html; limits as in botocore's
model of it. botocore itself checks no upper limit, so the service has to.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from tests.platform.refusals import InvalidCall

MAX_INLINE_BYTES = 128_000
_HEADER = "x-amzn-sagemaker-"
_TTL_S, _TIMEOUT_S = (60, 21_600), (1, 3_600)
_DEFAULT_TTL_S, _DEFAULT_TIMEOUT_S = 21_600, 900
_MAX_ATTRIBUTES = 1024
_S3_URI = re.compile(r"(https|s3)://([^/]+)/?(.*)")
_FILENAME = re.compile(r"(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9\-_.]{0,31}")
_EXTENSION = re.compile(r"(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]{1,512}")
_INFERENCE_ID = re.compile(r"[!-~][ -~]{0,63}")


@dataclass(frozen=True)
class AsyncRequest:
    """One accepted call. Either `body` or `input_location` is what the container is sent."""

    inference_id: str
    body: bytes | None
    input_location: str | None
    content_type: str
    accept: str
    custom_attributes: str | None
    ttl_s: int
    timeout_s: int
    extension: str  # of the output path; empty or "a/b/"
    filename: str | None

    @classmethod
    def parse(cls, headers: Mapping[str, str], body: bytes) -> AsyncRequest:
        """Read a call's headers and body.

        Raises:
            InvalidCall: one is out of range, or there is not exactly one input.
        """
        lowered = {name.lower(): value for name, value in headers.items()}
        given = {name.removeprefix(_HEADER): value for name, value in lowered.items() if name.startswith(_HEADER)}
        location = given.get("inputlocation")
        if (location is None) == (not body):
            raise InvalidCall("Body and InputLocation are mutually exclusive. Provide exactly one of them.")
        if len(body) > MAX_INLINE_BYTES:
            raise InvalidCall(f"Body has {len(body)} bytes, more than {MAX_INLINE_BYTES}")
        extension = _matching(given, "s3outputpathextension", _EXTENSION)
        return cls(
            inference_id=_matching(given, "inference-id", _INFERENCE_ID) or str(uuid.uuid4()),
            body=body or None,
            input_location=_matching(given, "inputlocation", _S3_URI),
            content_type=given.get("content-type", "application/octet-stream"),
            accept=given.get("accept", ""),
            custom_attributes=_attributes(given),
            ttl_s=_within(given, "requestttlseconds", *_TTL_S, _DEFAULT_TTL_S),
            timeout_s=_within(given, "invocationtimeoutseconds", *_TIMEOUT_S, _DEFAULT_TIMEOUT_S),
            extension=f"{extension.strip('/')}/" if extension else "",
            filename=_matching(given, "filename", _FILENAME),
        )


def _matching(given: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str | None:
    value = given.get(name)
    if value is not None and not pattern.fullmatch(value):
        raise InvalidCall(f"{name} {value!r} does not match {pattern.pattern}")
    return value


def _within(given: Mapping[str, str], name: str, least: int, most: int, default: int) -> int:
    value = int(given.get(name, default))
    if not least <= value <= most:
        raise InvalidCall(f"{name} {value} is not within {least}..{most}")
    return value


def _attributes(given: Mapping[str, str]) -> str | None:
    value = given.get("custom-attributes")
    if value is not None and len(value) > _MAX_ATTRIBUTES:
        raise InvalidCall(f"custom-attributes has {len(value)} characters, more than {_MAX_ATTRIBUTES}")
    return value
