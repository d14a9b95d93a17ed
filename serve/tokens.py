"""`API_TOKENS`: who may ask, by name."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT = "default"  # what `API_TOKEN` is called


@dataclass(frozen=True)
class Tokens:
    """Name -> token; empty: everybody may ask."""

    by_name: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.by_name)

    def name_of(self, given: bytes) -> str | None:
        """Whose token this is. All are compared, so that the time it takes tells nothing."""
        found = [name for name, token in self.by_name.items() if hmac.compare_digest(given, token.encode())]
        return found[0] if found else None

    @property
    def key(self) -> bytes | None:
        """What is signed with: all tokens', but none of them; it changes when one does."""
        if not self.by_name:
            return None
        joined = "\n".join(sorted(self.by_name.values()))
        return hmac.digest(joined.encode(), b"addresses of jobs", hashlib.sha256)
