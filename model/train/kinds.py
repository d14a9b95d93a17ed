"""Whose networks can be trained, and what each training can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from model.train.errors import SettingsError
from model.train.outfitting.settings import OutfittingTraining
from model.train.parsing.settings import PerceptionTraining
from model.train.pointcloth.settings import DrapeTraining
from model.train.settings import LoopSettings, Training
from model.train.template.settings import TemplateTraining
from model.train.up2you.settings import UP2YouTraining
from model.train.warp.settings import WarpTraining
from model.train.warp.spline.settings import SplineTraining

SETTINGS: Mapping[str, type[LoopSettings]] = {
    "catvton": Training,
    "ootdiffusion": OutfittingTraining,
    "perception": PerceptionTraining,
    "pointcloth": DrapeTraining,
    "template": TemplateTraining,
    "up2you": UP2YouTraining,
    "warp": WarpTraining,
    "warp-tps": SplineTraining,
}
DEFAULT = "catvton"
_VARIANTS = {"dense": "warp", "tps": "warp-tps"}  # of `warp`


def read_settings(given: Mapping[str, object]) -> LoopSettings:
    """Settings from texts or values by name; `engine` among them says of which kind, else `what` does.

    Raises:
        SettingsError: no such engine.
        pydantic.ValidationError: a setting is missing, unknown or out of range.
    """
    settings = dict(given)
    engine = settings.pop("engine", None) or _engine_of(settings.get("what"))
    if engine == "warp" and settings.get("variant") in _VARIANTS:
        engine = _VARIANTS[str(settings.pop("variant"))]
    if not isinstance(engine, str) or engine not in SETTINGS:
        raise SettingsError(f"engine is {engine!r}: trained are {', '.join(SETTINGS)}")
    return SETTINGS[engine].model_validate(settings)


def _engine_of(what: object) -> str:
    """The first that has such a network."""
    for engine, kind in SETTINGS.items():
        if what in get_args(kind.model_fields["what"].annotation):
            return engine
    return DEFAULT
