"""The last part of `python -m model train --engine template --what pack`: what the trained networks are served with,
and how good they are on people they have never seen."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path

from model.body.measurements import Measurements
from model.engines.pack import EnginePack
from model.engines.template.files import ERRORS, FOLDER, MATTING
from model.evaluate.avatars.evaluation import judged_avatars, write_judgement
from model.evaluate.avatars.scores import AvatarScores
from model.perception.files import label_map_files
from model.runtime.device import open_device
from model.train.checkpoints import Checkpoints
from model.train.template.settings import TemplateTraining

TRAINING = f"{FOLDER}/training.json"
_LENGTHS = [field.name for field in fields(Measurements)]


def finish_pack(settings: TemplateTraining) -> AvatarScores:
    """Complete `out` to a MODEL_DIR that can be served, and write what is known of it beside its networks.

    `template/errors.json` says how far the body's measurements are off in metres, `template/training.json` how the
    networks were trained and what they score, `evaluation/` the tables and a sheet.
    """
    for file in (settings.labels / MATTING, *label_map_files(settings.labels)):
        _copied(file, settings.out / file.relative_to(settings.labels))
    device = open_device("cpu" if settings.device == "cpu" else "auto")
    try:
        judgement = judged_avatars("template", EnginePack(str(settings.out)), device, settings.unseen)
    finally:
        device.close()
    means = judgement.scores.means()
    told = settings.model_dump(include={"plan", "seed", "people", "people_seed"})
    facts = {**told, "trained": _trained(settings), "unseen": settings.unseen, "scores": means}
    _written(settings.out / TRAINING, facts)
    _written(settings.out / ERRORS, {name: round(means[name] / 100, 3) for name in _LENGTHS if name in means})
    write_judgement(settings.out / "evaluation", judgement, {"engine": "template", **told})
    return judgement.scores


def _copied(file: Path, to: Path) -> None:
    """What is there already, as for training's own `out`, stays."""
    if file.is_file() and not to.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)


def _trained(settings: TemplateTraining) -> dict[str, dict[str, float]]:
    """Steps and minutes of each network, over all continuations."""
    spent: dict[str, dict[str, float]] = {}
    for stage in settings.stages:
        if (file := Checkpoints(stage.checkpoint_folder, stage.keep).newest()) is not None:
            state = Checkpoints(stage.checkpoint_folder, stage.keep).load(file, stage)
            spent[stage.what] = {"steps": state["step"], "minutes": round(state["seconds"] / 60, 1)}
    return spent


def _written(file: Path, facts: object) -> None:
    file.write_text(json.dumps(facts, indent=1) + "\n")
