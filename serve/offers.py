"""`GET /api/models`: what is served, and of each engine enough to build a form of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, JsonValue

from model.engines.registry import request_class
from serve.workers import LoadedEngine

_SIZES = ("width", "height", "size")
_PICTURE, _FILE = "#/$defs/ImageRef", "#/$defs/FileRef"

FieldSchema = Mapping[str, Any]


class Limits(BaseModel):
    """Of a number in a request; `default` is what the weights want where a request says nothing."""

    minimum: int | float | None
    exclusive_minimum: int | float | None = Field(description="It must be more than this.")
    maximum: int | float | None
    multiple_of: int | float | None
    default: int | float | None


class InputOffer(BaseModel):
    """A picture or another file that a request may bring."""

    many: bool = Field(description="Whether it is a list of them.")
    required: bool
    made_as: str | None = Field(description="Of a job that is named as `job:ID`: which of its files it is.")


class Choice(BaseModel):
    """A field with so many values; without a default the engine chooses."""

    values: list[str | int]
    default: str | int | None


class EngineOffer(LoadedEngine):
    """An engine: what it is, and what its requests may say."""

    categories: list[str] = Field(description="Kinds of garments; none: it dresses nobody.")
    formats: list[str] = Field(description="Of results.")
    sizes: dict[str, Limits] = Field(description="Fields of a request that are pixels.")
    limits: dict[str, Limits] = Field(description="All other numbers.")
    inputs: dict[str, InputOffer] = Field(description="Pictures.")
    files: dict[str, InputOffer] = Field(description="Other files, which may be `job:ID`, those of a job.")
    tasks: dict[str, list[str]] = Field(description="By `task`: fields that are not for all; none: no tasks.")
    layers: bool = Field(description="Whether a request may name several garments, one over the other.")
    choices: dict[str, Choice] = Field(description="Fields with a choice of values.")
    several: dict[str, list[str]] = Field(description="Fields that are a list of some of these values.")
    switches: dict[str, bool] = Field(description="Fields that are true or false, and their defaults.")
    descriptions: dict[str, str] = Field(description="What fields mean, in Markdown.")
    presets: dict[str, dict[str, JsonValue]] = Field(description="Values of `quality`, and the fields each sets.")


class Offers(BaseModel):
    """What is served here, and on what."""

    state: str
    models: dict[str, EngineOffer] = Field(description="By the engine's name.")
    device: dict[str, JsonValue]
    backends: dict[str, str | None]


def offer(name: str, loaded: LoadedEngine) -> EngineOffer:
    """What a client may ask of an engine: its request's schema, boiled down."""
    kind = request_class(name)
    schema = kind.model_json_schema()
    numbers = {
        field: limits(described, loaded.defaults.get(field, described.get("default")))
        for field, described in schema["properties"].items()
        if number(described) is not None
    }
    return EngineOffer(
        **loaded.model_dump(),
        categories=choices(schema["properties"].get("category", {})),
        formats=formats(schema),
        sizes={field: found for field, found in numbers.items() if field in _SIZES},
        limits={field: found for field, found in numbers.items() if field not in _SIZES},
        inputs=inputs(schema, _PICTURE, kind.plain_files),
        files=inputs(schema, _FILE, kind.plain_files),
        tasks={task: sorted(fields) for task, fields in kind.tasks.items()},
        layers="layers" in schema["properties"],
        choices={
            field: Choice(values=values, default=loaded.defaults.get(field, described.get("default")))
            for field, described in schema["properties"].items()
            if (values := choices(described))
        }
        | {field: Choice(values=list(loaded.variants), default=None) for field in kind.variant_fields},
        several={field: values for field, described in lists(schema) if (values := choices(described["items"]))},
        switches={
            field: bool(loaded.defaults.get(field, described["default"]))
            for field, described in schema["properties"].items()
            if described.get("type") == "boolean"
        },
        descriptions={
            field: described["description"]
            for field, described in schema["properties"].items()
            if "description" in described
        },
        presets={quality: dict(fields) for quality, fields in kind.presets.items()},
    )


def limits(described: FieldSchema, default: object) -> Limits:
    found = number(described) or {}
    below = found.get("exclusiveMaximum")  # only of whole numbers
    return Limits(
        minimum=found.get("minimum"),
        exclusive_minimum=found.get("exclusiveMinimum"),
        maximum=found.get("maximum") if below is None else below - 1,
        multiple_of=found.get("multipleOf"),
        default=default,
    )


def number(described: FieldSchema) -> FieldSchema | None:
    """The part of a field's schema that is a number's, if it may be one."""
    return next(
        (kind for kind in kinds(described) if kind.get("type") in ("integer", "number") and "enum" not in kind), None
    )


def choices(described: FieldSchema) -> list[Any]:
    """What a field can be."""
    return next((list(kind["enum"]) for kind in kinds(described) if "enum" in kind), [])


def kinds(described: FieldSchema) -> list[FieldSchema]:
    """A field's schema, or those of all that it may be."""
    return [described, *described.get("anyOf", [])]


def lists(schema: FieldSchema) -> list[tuple[str, FieldSchema]]:
    """Fields that are, or may be, a list."""
    return [
        (field, kind)
        for field, described in schema["properties"].items()
        for kind in kinds(described)
        if kind.get("type") == "array"
    ]


def inputs(schema: FieldSchema, kind: str, made_as: Mapping[str, str]) -> dict[str, InputOffer]:
    """The fields that are files of this kind, and those that are lists of such."""
    required = schema.get("required", [])
    many = {field for field, described in lists(schema) if described["items"].get("$ref") == kind}
    return {
        field: InputOffer(many=field in many, required=field in required, made_as=made_as.get(field))
        for field, described in schema["properties"].items()
        if field in many or any(part.get("$ref") == kind for part in kinds(described))
    }


def formats(schema: FieldSchema) -> list[str]:
    """Of the files an engine is asked for, or of the one picture."""
    asked = schema["properties"].get("formats")
    output = schema["$defs"][schema["properties"]["output"]["$ref"].rpartition("/")[2]]
    return choices(asked["items"] if asked else output["properties"]["format"])
