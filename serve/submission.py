"""From a body's fields to a validated request: routing by type, the pack's defaults, one clear sentence on errors."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from model.engines.registry import ENGINES, request_class
from model.request import Request
from serve.errors import Invalid
from serve.workers import LoadedEngine

_SHOWN_CHARACTERS = 64  # of a bad value; longer ones are pictures or URLs and are not repeated


@dataclass(frozen=True)
class Submission:
    """A request somebody wants computed. `digest` tells whether two bodies are the same."""

    id: str
    id_given: bool
    digest: str
    request: Request


def read_submission(
    body: dict[str, Any], digest: str, models: Mapping[str, LoadedEngine], fallback_id: str | None
) -> Submission:
    """Validate `body` for one of the loaded engines.

    Args:
        digest: of the bytes it came in.
        models: by engine, as the workers reported.
        fallback_id: used when the body names no id (SageMaker's inference id).
    """
    name = route(body, models)
    defaults = models[name].defaults
    if fallback_id is not None:
        defaults = {"id": fallback_id, **defaults}
    try:
        request = request_class(name).model_validate(
            {**body, "type": ENGINES[name].type, "engine": name}, context=defaults
        )
    except ValidationError as error:
        raise explain(error) from None
    return Submission(request.id or secrets.token_hex(16), request.id is not None, digest, request)


def route(body: Mapping[str, Any], models: Mapping[str, LoadedEngine]) -> str:
    """The engine a body is for: the one it names, else the first of its type."""
    served = {name: ENGINES[name].type for name in models}
    named = body.get("engine")
    if named is not None and (not isinstance(named, str) or named not in served):
        raise Invalid(f"'engine' is {_show(named)}; served here: {', '.join(served)}", field="engine")
    type = body.get("type")
    if type is None:
        type = served[named] if named else told_type(body, served)
    engines = [name for name in served if served[name] == type and named in (None, name)]
    if not engines and named is not None:
        raise Invalid(f"'type' is {_show(type)}, but engine '{named}' makes '{served[named]}'", field="type")
    if not engines:
        raise Invalid(
            f"'type' is {_show(type)}; served here: {', '.join(dict.fromkeys(served.values()))}", field="type"
        )
    return engines[0]


def told_type(body: Mapping[str, Any], served: Mapping[str, str]) -> str:
    """The only type whose fields a body has that names none."""
    told = {type for name, type in served.items() if request_class(name).telling_fields & body.keys()}
    if len(told) == 1:
        return told.pop()
    raise Invalid(f"'type' is needed, one of: {', '.join(dict.fromkeys(served.values()))}", field="type")


def explain(error: ValidationError) -> Invalid:
    """The first thing wrong, naming field and value."""
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or None
    message = first["msg"].removeprefix("Value error, ")
    if field is None:
        return Invalid(message)
    value = "" if first["type"] == "missing" else f" (got {_show(first['input'])})"
    return Invalid(f"'{field}': {message}{value}", field=field)


def _show(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    shown = repr(value)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{len(shown)} characters"
