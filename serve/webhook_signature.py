"""How webhooks are signed: as the Standard Webhooks specification has it (standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac

ENCODED = "whsec_"  # before a secret that is base64, as the specification's libraries write it


def key_of(secret: str) -> bytes:
    """The key in a secret: its bytes, or what they are base64 of.

    Raises:
        ValueError: it begins like base64 and is none.
    """
    if secret.startswith(ENCODED):
        return base64.b64decode(secret.removeprefix(ENCODED), validate=True)
    return secret.encode()


def signed(key: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that tell the receiver who sent a message, and when."""
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def plainly_signed(key: bytes, body: bytes) -> dict[str, str]:
    """The header that an earlier service signed with."""
    return {"X-Webhook-Signature": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"}
