"""All that is measured on one avatar, and the tables it ends in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from model.evaluate.scores import Measure
from model.mesh.cameras import AZIMUTHS

MeanValues = Mapping[str, float]

# Measures of the six views have a second column, the baseline's.
MEASURES: Mapping[str, Measure] = {
    "place_median": Measure("Places of the photos' pixels, median error, cm", "lower", 2),
    "place_mean": Measure("the same, mean, cm", "lower", 2),
    "layers": Measure("Layers of the photos' pixels right, %", "higher", 1),
    "dress": Measure("Dress or two pieces right, %", "higher", 1),
    "skirt": Measure("Skirt or trousers right, %", "higher", 1),
    "long_hair": Measure("Long hair right, %", "higher", 1),
    "sleeveless": Measure("Sleeves or none right, %", "higher", 1),
    "psnr": Measure("PSNR in the union of outlines, dB", "higher", 2),
    "psnr_garments": Measure("PSNR where garments truly are, dB", "higher", 2),
    "iou": Measure("IoU of outlines", "higher", 3),
    "colour": Measure("Garments' mean colours, distance in Lab", "lower", 2),
    "gradient": Measure("Gradient inside garments, share of the true one, %", "higher", 1),
    "retrieval": Measure("Found among 12 of the same shape, cut and colours, %", "higher", 1),
    "body": Measure("Body, Chamfer distance, mm", "lower", 1),
    "surface": Measure("Surface, Chamfer distance, mm", "lower", 1),
    "finished": Measure("Finished avatar (baseline: painted from its views), PSNR at 192 pixels, dB", "higher", 2),
    "finished_gradient": Measure("the same, gradient inside garments, share of the true one, %", "higher", 1),
    "height": Measure("Height, mean error, cm", "lower", 1),
    "chest": Measure("Chest, mean error, cm", "lower", 1),
    "waist": Measure("Waist, mean error, cm", "lower", 1),
    "hips": Measure("Hips, mean error, cm", "lower", 1),
    "inseam": Measure("Inseam, mean error, cm", "lower", 1),
}


@dataclass(frozen=True)
class Judged:
    """Of one person. clothes: what they wear, in words. values, baseline: by measure, nan where there is nothing to
    measure. by_view: PSNR of each of the six views."""

    name: str
    clothes: str
    values: MeanValues
    baseline: MeanValues
    by_view: Sequence[float]


@dataclass
class AvatarScores:
    """Of all people."""

    people: list[Judged] = field(default_factory=list)

    def mean(self, measure: str, *, baseline: bool = False) -> float:
        """Over the people who have it; nan if nobody does."""
        columns = [person.baseline if baseline else person.values for person in self.people]
        values = [column[measure] for column in columns if np.isfinite(column.get(measure, np.nan))]
        return float(np.mean(values)) if values else float("nan")

    def means(self) -> dict[str, float]:
        """Of all measures that anybody has."""
        return {name: mean for name in MEASURES if np.isfinite(mean := self.mean(name))}

    def summary(self) -> dict[str, object]:
        """Means and all single values."""
        people = {person.name: {"clothes": person.clothes, **person.values} for person in self.people}
        return {"people": len(self.people), "means": self.means(), "single": people}

    def tables(self) -> str:
        """Markdown: all measures, then PSNR by view and by clothes, then the worst."""
        return "\n".join([self._measures(), self._by_view(), self._by_clothes(), self._worst()])

    def _measures(self) -> str:
        rows = []
        for name, measure in MEASURES.items():
            value, baseline = self.mean(name), self.mean(name, baseline=True)
            arrow = "↑" if measure.better == "higher" else "↓"
            if np.isfinite(value):
                rows.append((f"{measure.label} {arrow}", _shown(value, measure), _shown(baseline, measure)))
        return table(("measure", "avatar", "baseline"), rows)

    def _by_view(self) -> str:
        means = np.nanmean([person.by_view for person in self.people], axis=0)
        return table(
            ("view", *(f"{azimuth:.0f}°" for azimuth in AZIMUTHS)), [("PSNR, dB", *(f"{mean:.2f}" for mean in means))]
        )

    def _by_clothes(self) -> str:
        kinds = sorted({person.clothes for person in self.people})
        rows = []
        for kind in kinds:
            those = [person.values for person in self.people if person.clothes == kind]
            cells = (f"{np.nanmean([values[name] for values in those]):.2f}" for name in ("psnr", "iou", "colour"))
            rows.append((kind, str(len(those)), *cells))
        return table(("clothes", "people", "PSNR, dB", "IoU", "colour"), rows)

    def _worst(self) -> str:
        worst = sorted(self.people, key=lambda person: person.values["psnr"])[:3]
        rows = [(person.name, person.clothes, f"{person.values['psnr']:.2f}") for person in worst]
        return table(("worst", "clothes", "PSNR, dB"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _shown(value: float, measure: Measure) -> str:
    return f"{value:.{measure.digits}f}" if np.isfinite(value) else ""
