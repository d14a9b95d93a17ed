"""Frames of AWS's event streams, as the runtime writes them; botocore reads them.

https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html describes the encoding: two lengths and their
checksum, headers of typed values, the payload, and a checksum of everything.
"""

from __future__ import annotations

import json
import struct
from binascii import crc32
from collections.abc import Mapping

_STRING = 7  # the type of every header used here


def event(kind: str, payload: bytes) -> bytes:
    """A frame that carries an event."""
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/octet-stream"}
    return frame(headers, payload)


def exception(kind: str, **members: str) -> bytes:
    """A frame that ends a stream with an error of the service's model."""
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return frame(headers, json.dumps(members).encode())


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    encoded = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    total = 12 + len(encoded) + len(payload) + 4
    prelude = struct.pack("!II", total, len(encoded))
    content = prelude + struct.pack("!I", crc32(prelude)) + encoded + payload
    return content + struct.pack("!I", crc32(content))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack("!B", len(name)) + name + struct.pack("!BH", _STRING, len(value)) + value
