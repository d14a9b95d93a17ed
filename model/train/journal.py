"""What is said while training: log lines, metrics.jsonl, TensorBoard and sheets of pictures."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from model.tryon.pictures import picture_of

_log = logging.getLogger(__name__)


class Journal:
    """One folder: TensorBoard's files, `metrics.jsonl` and `step-00001000.png` and so on.

    Log lines read "step=1000 loss=0.0123 ...", so SageMaker finds a metric with a regular expression such as
    `loss=([0-9.e+-]+)`.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._tensorboard = SummaryWriter(str(folder))

    def numbers(self, step: int, **numbers: float) -> None:
        """Log them everywhere."""
        for name, value in numbers.items():
            self._tensorboard.add_scalar(name, value, step)
        with (self._folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **numbers}) + "\n")
        _log.info("step=%d %s", step, " ".join(f"{name}={value:.6g}" for name, value in numbers.items()))

    def picture(self, step: int, sheet: Image.Image) -> None:
        """A sheet of samples."""
        sheet.save(self._folder / f"step-{step:08d}.png")
        self._tensorboard.add_image("samples", np.asarray(sheet), step, dataformats="HWC")

    def close(self) -> None:
        self._tensorboard.close()


def sheet(columns: Sequence[Tensor]) -> Image.Image:
    """One row a sample, from columns of (B, 3, H, W), roughly in [-1, 1]."""
    rows = torch.cat([column.float().cpu() for column in columns], dim=-1)  # (B, 3, H, columns W)
    return picture_of(torch.cat(list(rows), dim=-2))
