"""What stands for a job's id in addresses and paths."""

from __future__ import annotations

import hashlib
import re

from model.request import ID_PATTERN
from serve.errors import Invalid

MOST_CHARACTERS = 64  # of SageMaker's inference id


def name_of(job_id: str) -> str:
    """The id itself where it can be part of a path, else a hash of it. A name's name is the name."""
    return job_id if re.fullmatch(ID_PATTERN, job_id) else hashlib.sha256(job_id.encode()).hexdigest()[:32]


def checked_inference_id(job_id: str | None, header: str) -> str | None:
    """SageMaker allows 1 to 64 characters of ASCII, whatever they are: `order 17/2`.

    Raises:
        Invalid: it has more or others.
    """
    if job_id is not None and not (job_id.isascii() and 0 < len(job_id) <= MOST_CHARACTERS):
        raise Invalid(f"'{header}' must be 1 to {MOST_CHARACTERS} characters of ASCII", field="id")
    return job_id
