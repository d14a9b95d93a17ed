"""How far the training is, and the learning rate that goes with it."""

from __future__ import annotations

import math
import time

from model.train.settings import LoopSettings


class TrainingBudget:
    """Counts steps and time against the budget.

    Args:
        step, seconds: what was spent before, when a training continues.
    """

    def __init__(self, settings: LoopSettings, step: int = 0, seconds: float = 0.0) -> None:
        self._settings = settings
        self.step = step
        self._started = time.monotonic() - seconds

    @property
    def seconds(self) -> float:
        """Time spent, over all continuations."""
        return time.monotonic() - self._started

    @property
    def share(self) -> float:
        """How much of the budget is spent: of steps or time, whichever is nearer its end."""
        steps = self.step / self._settings.max_steps if self._settings.max_steps else 0.0
        time_ = self.seconds / (60 * self._settings.max_minutes) if self._settings.max_minutes else 0.0
        return min(1.0, max(steps, time_))

    def learning_rate(self, share: float) -> float:
        """Of the next step. share: of the budget that is spent, 0..1."""
        settings = self._settings
        warm = min(1.0, (self.step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
        if settings.schedule == "linear":
            return settings.learning_rate * warm * (1 - share)
        if settings.schedule == "cosine":
            return settings.learning_rate * warm * (1 + math.cos(math.pi * share)) / 2
        return settings.learning_rate * warm
