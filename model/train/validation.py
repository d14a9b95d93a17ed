"""Validation as a training goes, and the best weights by it."""

from __future__ import annotations

from collections.abc import Mapping

from model.train.checkpoints import Checkpoints
from model.train.settings import Goal, LoopSettings, ValidatedSettings

_LOWER_IS_BETTER: tuple[Goal, ...] = ("colour_error",)


class BestSoFar:
    """Which validation was the best, with the checkpoint of its weights in `best/`, beside the newest ones.

    Without a resume the first one is the best, whatever an earlier training has left there.
    """

    def __init__(self, settings: LoopSettings) -> None:
        self._settings = settings
        self._checkpoints = Checkpoints(settings.checkpoint_folder / "best", keep=1)
        self._measures: Mapping[str, float] | None = None
        file = self._checkpoints.newest()
        if self._steps and settings.resume and file is not None:
            self._measures = self._checkpoints.load(file, settings)["measures"]

    def due(self, step: int) -> bool:
        """Whether it is time for a validation."""
        return bool(self._steps) and step % self._steps == 0

    def take(self, step: int, measures: Mapping[str, float], state: Mapping[str, object]) -> None:
        """Keep this state if no one before was as good."""
        if self._measures is None or self._rank(measures) > self._rank(self._measures):
            self._checkpoints.save(step, self._settings, {**state, "measures": dict(measures)})
            self._measures = measures

    def to_write(self) -> dict[str, object] | None:
        """The best state, if it is what shall be written in the end."""
        settings = self._settings
        if not (isinstance(settings, ValidatedSettings) and settings.write_best) or self._measures is None:
            return None
        file = self._checkpoints.newest()
        return None if file is None else self._checkpoints.load(file, settings)

    @property
    def _steps(self) -> int:
        return self._settings.validation_steps if isinstance(self._settings, ValidatedSettings) else 0

    def _rank(self, measures: Mapping[str, float]) -> float:
        goal: Goal = self._settings.best_by if isinstance(self._settings, ValidatedSettings) else "ssim"
        return -measures[goal] if goal in _LOWER_IS_BETTER else measures[goal]
