"""Where a training can be continued: everything that changes while it runs, in one file a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from model.train.errors import SettingsError
from model.train.settings import LoopSettings

State = dict[str, Any]  # of a training: tensors and numbers by their names

# What must be the same for a checkpoint to make sense. Everything else may be changed on the way.
_IDENTITY = ("what", "variant", "trainable", "prediction_type", "unet", "vae")


class Checkpoints:
    """`step-00001000.pt` and so on in one folder, the newest few."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder = folder
        self._keep = keep

    def newest(self) -> Path | None:
        """The furthest one."""
        return max(self._folder.glob("step-*.pt"), default=None)

    def save(self, step: int, settings: LoopSettings, state: Mapping[str, object]) -> None:
        """Write one, then forget the others but for the newest. A crash in between leaves the ones before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"step-{step:08d}.pt"
        partial = file.with_suffix(".partial")
        torch.save({"settings": _identity(settings), **state}, partial)
        os.replace(partial, file)
        others = sorted(other for other in self._folder.glob("step-*.pt") if other != file)
        for old in others[: max(0, len(others) + 1 - self._keep)]:
            old.unlink()

    def load(self, file: Path, settings: LoopSettings) -> State:
        """What was saved, on the host.

        Raises:
            SettingsError: it is no checkpoint, or one of another kind of training.
        """
        try:
            state: State = torch.load(file, map_location="cpu", weights_only=True)
            before = state.pop("settings")
        except Exception as error:  # broken bytes lead torch.load to raise whatever
            raise SettingsError(f"{file}: cannot be read as a checkpoint: {error}") from error
        for name, now in _identity(settings).items():
            if before.get(name) != now:
                raise SettingsError(f"{name} is {now!r}, but {file} is of a training with {before.get(name)!r}")
        return state


def _identity(settings: LoopSettings) -> State:
    return settings.model_dump(mode="json", include=set(_IDENTITY))
