"""Who does what a client wants: the engine it names, else the one that takes what it sent.

A field or value that only some of the loaded engines of a type accept chooses among those, the default first. Two that
exclude each other are an error that names both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from model.engines.registry import ENGINES, engines_of, request_class
from model.request import Request
from serve.errors import Invalid
from serve.workers import LoadedEngine

_SHOWN_PROBLEMS = 8  # of one body
_SHOWN_CHARACTERS = 64  # of a bad value; longer ones are pictures or URLs and are not repeated

Models = Mapping[str, LoadedEngine]


class Refusal(NamedTuple):
    """Why an engine does not take a field."""

    field: str  # with its place, as in "layers.0.category"; "" where fields contradict each other
    message: str
    value: str  # as it is shown; "" where there is none


def chosen_request(body: Mapping[str, object], models: Models, defaults: Mapping[str, object]) -> Request:
    """`body` as the request of the engine that will compute it.

    Args:
        models: the loaded engines, in the registry's order.
        defaults: of any request's fields, before those of the engine's weights.

    Raises:
        Invalid: no engine takes it; says the first thing that is wrong.
    """
    candidates = candidates_for(body, models)
    refusals: dict[str, list[Refusal]] = {}
    for name in candidates:
        try:
            request = validated(body, name, models, defaults)
        except ValidationError as error:
            refusals[name] = [refusal(found, name) for found in error.errors(include_url=False)]
        else:
            check_other_engines(request, models)
            return request
    raise explained(refusals)


def validated(body: Mapping[str, object], name: str, models: Models, defaults: Mapping[str, object]) -> Request:
    """`body` as this engine's request.

    Raises:
        ValidationError: it does not take it.
    """
    model, asked = models[name], request_class(name)
    fields = {**body, "type": model.type, "engine": name}
    helpers = {field: default_of(type, models) for field, type in asked.helped_by.items()}
    return asked.model_validate(fields, context={**defaults, **model.defaults, **helpers})


def default_of(type: str, models: Models) -> str | None:
    """The engine that answers requests of a type that name none."""
    return next((name for name, model in models.items() if model.type == type and model.default), None)


def candidates_for(body: Mapping[str, object], models: Models) -> list[str]:
    """The engines that may answer, the first choice first: the one named, or all of the type."""
    named, type = body.get("engine"), body.get("type")
    if named is not None and (not isinstance(named, str) or named not in models):
        raise Invalid(f"'engine' is {shown(named)}; served here: {', '.join(models)}", field="engine")
    if type is None:
        type = models[named].type if named else told_type(body, models)
    candidates = [name for name, model in models.items() if model.type == type]
    if not candidates:
        raise Invalid(f"'type' is {shown(type)}; served here: {', '.join(types_of(models))}", field="type")
    if named is not None and named not in candidates:
        raise Invalid(f"'engine' is '{named}', which makes no '{type}'; {', '.join(candidates)} can", field="engine")
    return (
        [named] if named else sorted(candidates, key=lambda name: (not asks_for(name, body), not models[name].default))
    )


def asks_for(name: str, body: Mapping[str, object]) -> bool:
    """Whether the body speaks as the clients of a container do that was this engine alone."""
    return not request_class(name).asking_fields.isdisjoint(body)


def told_type(body: Mapping[str, object], models: Models) -> str:
    """The only type whose fields are in a body that names none."""
    told = {model.type for name, model in models.items() if request_class(name).telling_fields & body.keys()}
    if len(told) == 1:
        return told.pop()
    raise Invalid(f"'type' is needed, one of: {', '.join(types_of(models))}", field="type")


def types_of(models: Models) -> list[str]:
    return list(dict.fromkeys(model.type for model in models.values()))


def check_other_engines(request: Request, models: Models) -> None:
    """Raise `Invalid` unless the engines that shall do parts of a request are loaded and of its type."""
    helpers = request.helped_by
    type = next(iter(helpers.values()), request.type)
    able = [name for name, model in models.items() if model.type == type]
    for place, name, part in request.parts_of_others():
        field = f"{place}.engine" if "." in place else place  # a layer names its engine, other parts are its name
        if name not in able:
            raise Invalid(f"'{field}' is {shown(name)}; served here: {', '.join(able)}", field=field)
        try:
            request_class(name).model_validate(part, context=models[name].defaults)
        except ValidationError as error:
            found = refusal(error.errors(include_url=False)[0], name)
            raise invalid(found._replace(field=f"{place}.{found.field}")) from None


def explained(refusals: Mapping[str, Sequence[Refusal]]) -> Invalid:
    """What to tell of a body that no engine takes: all that none takes, or two fields that have no engine in common."""
    first_choice, *others = refusals.values()
    common = [
        found for found in first_choice if all(found.field in {other.field for other in refused} for refused in others)
    ]
    if not common:
        return excluding(refusals)
    sentences = list(dict.fromkeys(invalid(found).detail for found in common))
    more = [f"and {len(sentences) - _SHOWN_PROBLEMS} more"] if len(sentences) > _SHOWN_PROBLEMS else []
    return Invalid("; ".join([*sentences[:_SHOWN_PROBLEMS], *more]), field=common[0].field or None)


def excluding(refusals: Mapping[str, Sequence[Refusal]]) -> Invalid:
    """Fields each of which some engine takes, but no engine all: two if two are enough."""
    refusers: dict[str, list[str]] = {}
    examples: dict[str, Refusal] = {}
    for engine, refused in refusals.items():
        for found in {found.field: found for found in refused}.values():
            refusers.setdefault(found.field, []).append(engine)
            examples[found.field] = found
    pairs = ([a, b] for a in refusers for b in refusers if {*refusers[a], *refusers[b]} == refusals.keys())
    fields = next(pairs, list(refusers))
    reasons = (f"{invalid(examples[field]).detail} [{', '.join(refusers[field])}]" for field in fields)
    return Invalid(f"no engine takes all of this: {'; '.join(reasons)}", field=fields[0] or None)


def refusal(error: ErrorDetails, engine: str) -> Refusal:
    """One of pydantic's errors in our words."""
    field = ".".join(part for part in map(str, error["loc"]) if not is_one_of_several(part, engine))
    value = "" if error["type"] == "missing" or not field else shown(error["input"])
    if error["type"] == "extra_forbidden":
        return Refusal(field, f"there is no such field{nearest_name(error['loc'], engine)}", value)
    if error["type"] == "none_required":
        return Refusal(field, f"'{engine}' does not take it", value)
    if error["type"] in ("model_type", "model_attributes_type"):
        return Refusal(field, "this must be an object", value)
    return Refusal(field, error["msg"].removeprefix("Value error, "), value)


def nearest_name(place: Sequence[str | int], engine: str) -> str:
    """What the client may have meant, to be added to a sentence."""
    outer, inner = field_names(engine)
    if len(place) == 1 and (others := engines_with(str(place[0]), ENGINES[engine].type)):
        return f" for '{engine}', but for {', '.join(others)}"
    near = get_close_matches(str(place[-1]), outer if len(place) == 1 else inner, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def is_one_of_several(part: str, engine: str) -> bool:
    """Whether a part of a place is no field, but pydantic's name for one of several kinds that a field may be of."""
    return part.startswith("literal[") or part in kinds(engine)


@cache
def kinds(engine: str) -> frozenset[str]:
    """Names of the objects within an engine's request."""
    return frozenset(request_class(engine).model_json_schema().get("$defs", {}))


@cache
def engines_with(field: str, type: str) -> list[str]:
    """The engines of a type, loaded or not, whose requests have this field."""
    return [name for name in engines_of(type) if field in field_names(name)[0]]


@cache
def field_names(engine: str) -> tuple[list[str], list[str]]:
    """Of an engine's request, and of the objects within it."""
    schema = request_class(engine).model_json_schema()
    within = [name for part in schema.get("$defs", {}).values() for name in part.get("properties", {})]
    return list(schema["properties"]), within


def invalid(found: Refusal) -> Invalid:
    """Names field and value."""
    if not found.field:
        return Invalid(found.message)
    value = f" (got {found.value})" if found.value else ""
    return Invalid(f"'{found.field}': {found.message}{value}", field=found.field)


def shown(value: object) -> str:
    """A value as it can be repeated in a sentence."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{len(text)} characters"
