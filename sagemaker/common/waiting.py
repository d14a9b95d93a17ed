"""Waiting for an endpoint or a job to come to rest, with the time shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from tqdm import tqdm

from common.failures import Failed, Json

POLL_S, LIMIT_S = 15.0, 3 * 3600.0  # seconds: calls are throttled; an update of many instances takes hours


def wait_while(
    unsettled: Collection[str],
    ask: Callable[[], Json | None],
    status: str,
    *,
    poll_s: float = POLL_S,
    limit_s: float = LIMIT_S,
) -> Json | None:
    """What `ask` answers when the member `status` of it is no longer one of `unsettled`; None when it is gone.

    Raises:
        Failed: it has not settled within `limit_s` seconds.
    """
    ends = time.monotonic() + limit_s
    with tqdm(disable=None, bar_format="{desc} {elapsed}") as bar:
        while True:
            answer = ask()
            if answer is None or answer[status] not in unsettled:
                return answer
            if time.monotonic() > ends:
                raise Failed(f"still {answer[status]} after {limit_s / 3600:g} hours")
            bar.set_description_str(answer[status])
            time.sleep(poll_s)
