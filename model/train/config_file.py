"""A file of options for a training: YAML, in sections or without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from model.train.errors import SettingsError

# What other trainings' files commonly call the same.
ALIASES: Mapping[str, str] = {
    "lr": "learning_rate",
    "lr_scheduler": "schedule",
    "num_workers": "workers",
    "random_seed": "seed",
    "data_root": "data",
    "output_dir": "out",
    "checkpoint_dir": "checkpoints",
    "log_dir": "logs",
    "image_width": "width",
    "image_height": "height",
    "lambda_smooth": "smooth_loss",
    "lambda_perceptual": "perceptual_loss",
    "lambda_style": "style_loss",
    "lambda_gan": "adversarial_loss",
}


def read_config(file: Path, names: Iterable[str]) -> dict[str, object]:
    """Settings of a YAML file by our names; sections only group them.

    Args:
        names: all settings there are; hyphens and capitals make no difference.

    Raises:
        SettingsError: it cannot be read, or holds a name that is unknown (the nearest is told) or given twice.
    """
    import yaml  # serving needs none

    try:
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"config: {file} cannot be read as YAML: {error}") from error
    if not isinstance(held, dict):
        raise SettingsError(f"config: {file} holds no names with values")
    known = {name: name for name in names}
    known = {alias: name for alias, name in ALIASES.items() if name in known} | known
    found: dict[str, object] = {}
    for given, value in _flat(held, known):
        name = known.get(given)
        if name is None:
            raise SettingsError(f"config: {file} has '{given}', which is no setting{_nearest(given, known)}")
        if name in found:
            raise SettingsError(f"config: {file} says '{name}' twice, once as '{given}'")
        found[name] = "none" if value is None else value
    return found


def _flat(held: Mapping[object, object], known: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    """Names and values; what holds names itself and is no setting is a section."""
    for key, value in held.items():
        name = str(key).lower().replace("-", "_")
        if isinstance(value, dict) and name not in known:
            yield from _flat(value, known)
        else:
            yield name, value


def _nearest(given: str, known: Mapping[str, str]) -> str:
    near = get_close_matches(given, known, 1)
    return f": did you mean '{near[0]}'?" if near else "; see --help"
