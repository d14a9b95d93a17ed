"""What an evaluation leaves behind: a table, its numbers, and a sheet of pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from model.contact_sheet import contact_sheet
from model.evaluate.scores import Scores

_COLUMNS = 12  # pictures that stand side by side on a sheet

Row = tuple[str, Mapping[str, Path]]  # its label, and the picture of each name that has one


def write_report(folder: Path, scores: Scores, settings: Mapping[str, object], title: str, rows: Sequence[Row]) -> None:
    """Write `evaluation.json`, `evaluation.md` and `contact_sheet.png`.

    Args:
        settings: how the results were made, for the record.
        title: above table and sheet.
        rows: of the sheet, from top to bottom; its columns are twelve names of the last row, spread evenly.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summary = {"title": title, "settings": dict(settings), **scores.summary()}
    (folder / "evaluation.json").write_text(json.dumps(summary, indent=1) + "\n")
    how = ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)
    (folder / "evaluation.md").write_text(f"# {title}\n\n{how}\n\n{scores.table()}")
    sheet(rows, title).save(folder / "contact_sheet.png")


def sheet(rows: Sequence[Row], title: str) -> Image.Image:
    """The contact sheet; see above. A picture that is not there is left white."""
    names = list(rows[-1][1])
    chosen = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, _COLUMNS).round().astype(int))]
    columns = [[_picture(files.get(name)) for _, files in rows] for name in chosen]
    labels = [Path(name).stem for name in chosen]
    return contact_sheet(columns, labels, [label for label, _ in rows], title=title, columns_a_band=_COLUMNS)


def _picture(file: Path | None) -> Image.Image:
    return Image.open(file) if file is not None and file.is_file() else Image.new("RGB", (3, 4), "white")
