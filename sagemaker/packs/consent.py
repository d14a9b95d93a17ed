"""Licences, said and asked about."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable

from packs.published import Licence
from packs.weight_errors import LicenceNotAcceptedError


def ask(licences: Iterable[Licence], accepted: Collection[str]) -> None:
    """Ask about every licence that asks and is not accepted yet, if there is somebody to ask.

    Raises:
        LicenceNotAcceptedError: the answer was no, or nobody is there.
    """
    for licence in licences:
        print(f"licence {licence.name}: {licence.terms}. {licence.url}")
        if licence.asks and licence.name not in accepted and not _accepts(licence):
            raise LicenceNotAcceptedError(licence.name)


def _accepts(licence: Licence) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"Do you accept {licence.name}? [yes/no] ").strip().lower() == "yes"
