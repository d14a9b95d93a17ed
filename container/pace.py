"""How fast each engine is on this machine, learned from the jobs that ran."""

from __future__ import annotations

_NEW_SHARE = 0.3  # of the estimate; old measurements fade with every finished job


class Pace:
    """Device seconds per unit of a request's `work()`, per engine."""

    def __init__(self) -> None:
        self._seconds_per_work: dict[str, float] = {}

    def learn(self, engine: str, work: float, device_s: float) -> None:
        """A job, or the part of one that did `work`, took `device_s`."""
        measured = device_s / work
        known = self._seconds_per_work.get(engine, measured)
        self._seconds_per_work[engine] = known + _NEW_SHARE * (measured - known)

    def knows(self, engine: str) -> bool:
        return engine in self._seconds_per_work

    def seconds(self, engine: str, work: float) -> float:
        """Expected device time; 0 while nothing was measured, so that a fresh server refuses nobody."""
        return work * self._seconds_per_work.get(engine, 0.0)
