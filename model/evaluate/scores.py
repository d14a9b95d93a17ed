"""Numbers as they come in, and the table they end as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

Column = Literal["result", "mask filled", "silhouette filled"]
COLUMNS: tuple[Column, ...] = ("result", "mask filled", "silhouette filled")


@dataclass(frozen=True)
class Measure:
    """A row of the table. `better`: where good values are. `digits`: after the point."""

    label: str
    better: Literal["higher", "lower"]
    digits: int


MEASURES: Mapping[str, Measure] = {
    "ssim": Measure("SSIM", "higher", 4),
    "psnr": Measure("PSNR, dB", "higher", 2),
    "lpips": Measure("LPIPS (SqueezeNet)", "lower", 4),
    "fid": Measure("FID", "lower", 3),
    "kid": Measure("KID × 1000", "lower", 3),
    "psnr_mask": Measure("PSNR in the mask, dB", "higher", 2),
    "psnr_garment": Measure("PSNR in the garment's true region, dB", "higher", 2),
    "psnr_garment_patterned": Measure("PSNR in the garment's true region, patterned garments, dB", "higher", 2),
    "psnr_outside": Measure("PSNR outside the mask, dB (at most 100)", "higher", 2),
    "changed_outside": Measure("Pixels changed beyond the mask's seam, %", "lower", 3),
    "colour_error": Measure("Garment colour error, levels of 255", "lower", 2),
    "retrieval": Measure("Garment found among 12, %", "higher", 1),
    "mask_iou": Measure("Automatic masks, IoU", "higher", 4),
    "densepose_iou": Measure("DensePose label maps, mean IoU", "higher", 4),
    "lip_iou": Measure("LIP label maps, mean IoU", "higher", 4),
    "atr_iou": Measure("ATR label maps, mean IoU", "higher", 4),
}


class Scores:
    """What was measured, picture by picture or on the whole set, of results and of the baselines beside them."""

    def __init__(self) -> None:
        self.pictures: dict[str, dict[str, float]] = {}  # of results only: name -> measure -> value
        self._values: dict[tuple[str, Column], list[float]] = {}
        self._counts: dict[tuple[str, Column], int] = {}
        self._left_out: dict[str, str] = {}

    def add(self, name: str, measure: str, value: float, column: Column = "result") -> None:
        """One picture's value."""
        self._values.setdefault((measure, column), []).append(value)
        if column == "result":
            self.pictures.setdefault(name, {})[measure] = value

    def set_whole(self, measure: str, value: float, count: int, column: Column = "result") -> None:
        """A value of `count` pictures together."""
        self._values[measure, column] = [value]
        self._counts[measure, column] = count

    def leave_out(self, measure: str, reason: str) -> None:
        """Say why there is no such value."""
        self._left_out[measure] = reason

    def summary(self) -> dict[str, object]:
        """What `evaluation.json` holds: of each measure and column `n` and `mean`, and what was left out and why."""
        return {"measures": self.measured(), "left_out": self._left_out, "pictures": self.pictures}

    def measured(self) -> dict[str, dict[str, dict[str, float]]]:
        """Measure -> column -> its `n` and `mean`."""
        measures: dict[str, dict[str, dict[str, float]]] = {
            measure: {
                column: {"n": self._counts.get((measure, column), len(values)), "mean": float(np.mean(values))}
                for column in COLUMNS
                if (values := self._values.get((measure, column)))
            }
            for measure in MEASURES
        }
        return {measure: columns for measure, columns in measures.items() if columns}

    def table(self) -> str:
        """The summary in Markdown: arrows point to where good values are."""
        summary = self.measured()
        columns = [column for column in COLUMNS if any(column in row for row in summary.values())] or ["result"]
        lines = [f"| measure | n | {' | '.join(columns)} |", "| --- " + "| ---: " * (len(columns) + 1) + "|"]
        for name, measure in MEASURES.items():
            arrow = "↑" if measure.better == "higher" else "↓"
            if row := summary.get(name):
                cells = [f"{row[column]['mean']:.{measure.digits}f}" if column in row else "" for column in columns]
                count = max(cell["n"] for cell in row.values())
                lines.append(f"| {measure.label} {arrow} | {count} | {' | '.join(cells)} |")
            elif reason := self._left_out.get(name):
                lines.append(f"| {measure.label} {arrow} | 0 | left out: {reason} |" + " |" * (len(columns) - 1))
        return "\n".join(lines) + "\n"
