"""`/ping`: whether the platform should send work here, or replace this container."""

from __future__ import annotations

import time

from serve.jobs import Jobs
from serve.workers import Workers


class Health:
    """One probe for two questions: ready for work, and worth keeping.

    Busy is healthy. Workers being restarted is healthy too, for `restart_grace_s`.
    """

    def __init__(self, jobs: Jobs, workers: Workers, *, restart_grace_s: float) -> None:
        self._jobs = jobs
        self._workers = workers
        self._restart_grace_s = restart_grace_s

    def state(self) -> str:
        """`starting`, `draining`, `broken`, `restarting` or `ready`."""
        if self._jobs.draining:
            return "draining"
        if not self._workers.was_ready:
            return "starting"
        since = self._workers.none_ready_since
        if since is None:
            return "ready"
        return "broken" if time.monotonic() - since > self._restart_grace_s else "restarting"

    @property
    def status(self) -> int:
        """The status of `/ping`."""
        return 200 if self.state() in ("ready", "restarting") else 503
