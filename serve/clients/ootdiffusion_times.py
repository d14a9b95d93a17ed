"""How long that server's try-ons took, as it tells it: averages over the last hundred, since the start."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from statistics import fmean, median

from pydantic import JsonValue

CATEGORIES = ("upperbody", "lowerbody", "dress")
_KEPT = 100  # as that server keeps
_HOUR_S = 3600


class Times:
    """Seconds of try-ons, those that failed among them, in all and by category."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.total = self.failed = 0
        self._all: deque[float] = deque(maxlen=_KEPT)
        self._of = {category: deque[float](maxlen=_KEPT) for category in CATEGORIES}

    @contextmanager
    def timed(self) -> Iterator[list[str]]:
        """Count what runs inside, under the category that it puts into the list."""
        began = time.monotonic()
        category: list[str] = []
        self.total += 1
        try:
            yield category
        except BaseException:
            self.failed += 1
            raise
        finally:
            seconds = time.monotonic() - began
            self._all.append(seconds)
            for name in category:
                self._of[name].append(seconds)

    @property
    def uptime_s(self) -> float:
        return time.monotonic() - self._started

    @property
    def uptime_hours(self) -> float:
        return round(self.uptime_s / _HOUR_S, 2)

    @property
    def success_rate(self) -> float:
        """Per cent; of none, 0."""
        return round(100 * (self.total - self.failed) / self.total, 2) if self.total else 0.0

    def average(self, category: str | None = None) -> float:
        return _mean(self._of[category] if category else self._all)

    def recent(self, count: int) -> list[float]:
        """The last ones, in seconds."""
        return [round(seconds, 3) for seconds in list(self._all)[-count:]]

    def recent_performance(self) -> dict[str, JsonValue]:
        last = self.recent(5)
        return {
            "count": len(last),
            "average": _mean(last),
            "min": min(last, default=0.0),
            "max": max(last, default=0.0),
        }

    def as_metrics(self) -> dict[str, JsonValue]:
        by_category: dict[str, JsonValue] = {
            category: {"samples": len(kept), "average_seconds": _mean(kept)} for category, kept in self._of.items()
        }
        return {
            "uptime_seconds": round(self.uptime_s, 3),
            "uptime_hours": self.uptime_hours,
            "total_requests": self.total,
            "success_count": self.total - self.failed,
            "error_count": self.failed,
            "success_rate_percent": self.success_rate,
            "processing_times": {
                "total_samples": len(self._all),
                "average_seconds": self.average(),
                "median_seconds": round(median(self._all), 3) if self._all else 0.0,
                "recent_10": [*self.recent(10)],
                "recent_5": [*self.recent(5)],
            },
            "category_performance": by_category,
        }


def _mean(seconds: Collection[float]) -> float:
    return round(fmean(seconds), 3) if seconds else 0.0
