"""What a digital twin was started with: flags of its command in `extra_args`, and `UP2YOU_*` variables."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from serve.answers import Notice
from serve.errors import Invalid

FIELD = "extra_args"
PREFIX = "UP2YOU_"

# Flags that are fields of our requests.
_READ = frozenset(
    {
        *("seed", "steps", "guidance", "size", "mesh_size", "iterations", "faces", "texture", "texture_size"),
        *("turntable", "parts", "body_only", "reference"),
    }
)
_WEIGHTS, _DEVICE = "weights are those of MODEL_DIR", "the device is that of DEVICE"
# Flags that say what the service was told at its start -> what decides instead.
_SETTLED = {
    "base_model_path": _WEIGHTS,
    "shape_predictor_path": _WEIGHTS,
    "rgb_adapter_path": _WEIGHTS,
    "feature_aggregator_path": _WEIGHTS,
    "normal_adapter_path": _WEIGHTS,
    "segment_model_name": _WEIGHTS,
    "device": _DEVICE,
}
VARIABLES = frozenset({"UP2YOU_DATA_DIR", "UP2YOU_OUTPUT_DIR"})  # which are settings


def read(given: object) -> tuple[dict[str, object], list[Notice]]:
    """Fields of a request, and what is to be said of flags that decide nothing here.

    Args:
        given: words as on a command line, all of them in one text, or an object.

    Raises:
        Invalid: it is something else, or there is a flag that means nothing here.
    """
    flags = _flags(given)
    unknown = [name for name in flags if name not in _READ and name not in _SETTLED]
    if unknown:
        known = ", ".join([*sorted(_READ), *_SETTLED])
        raise Invalid(f"'{FIELD}': there is no flag '{unknown[0][:60]}', only {known}", field=FIELD)
    notices = [
        Notice(code="flag_not_read", message=f"--{name} is not read: {_SETTLED[name]}")
        for name in flags
        if name in _SETTLED
    ]
    return {name: value for name, value in flags.items() if name in _READ}, notices


def not_read(variables: Iterable[str]) -> list[str]:
    """A sentence for each variable of a digital twin that decides nothing here."""
    strange = sorted(name for name in variables if name.startswith(PREFIX) and name not in VARIABLES)
    return [f"{name} is not read{_instead(name.removeprefix(PREFIX).lower())}" for name in strange]


def _instead(flag: str) -> str:
    return f": {_SETTLED[flag]}" if flag in _SETTLED else ""


def _flags(given: object) -> dict[str, object]:
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {_named(name): value for name, value in given.items()}
    try:
        words = shlex.split(given) if isinstance(given, str) else given
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise Invalid(f"'{FIELD}' must be a list of words, a text or an object", field=FIELD)
    return _paired([part for word in words for part in _split(word)])


def _split(word: str) -> list[str]:
    """`--seed=3` is `--seed 3`."""
    return word.split("=", 1) if word.startswith("--") else [word]


def _paired(words: list[str]) -> dict[str, object]:
    """Each flag with the word behind it; without one it is a switch."""
    flags: dict[str, object] = {}
    name = None
    for word in words:
        if word.startswith("--"):
            name = _named(word)
            flags[name] = True
        elif name is None:
            raise Invalid(f"'{FIELD}': '{word[:60]}' stands behind no flag", field=FIELD)
        else:
            flags[name], name = word, None
    return flags


def _named(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")
