"""Variables that look like settings and are none."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_NEARLY = 0.84  # of two names, 1 being the same
_PREFIX, _OF_OTHERS = "ATELIER_", ("AWS_", "SAGEMAKER_", "SM_", "UP2YOU_")


def nearly_named(variables: Iterable[str], known: set[str]) -> dict[str, str]:
    """Variable -> the setting that may be meant."""
    strange = (name for name in variables if name.upper() not in known and not name.startswith(_OF_OTHERS))
    near = {name: _nearest(name.upper().removeprefix(_PREFIX), known) for name in strange}
    return {name: found for name, found in near.items() if found}


def _nearest(name: str, known: set[str]) -> str | None:
    """Nearly the same one, or the same but for its unit."""
    same = [name + unit for unit in ("", "_S", "_BYTES") if name + unit in known]
    return next(iter([*same, *get_close_matches(name, known, n=1, cutoff=_NEARLY)]), None)
