"""The engines' requests as JSON schemas of the OpenAPI document, and as one form, whose pictures are files."""

from __future__ import annotations

from typing import Any

from pydantic import create_model
from pydantic.json_schema import models_json_schema

from model.engines.registry import ENGINES, request_class

SCHEMAS = "#/components/schemas/"
PICTURE = f"{SCHEMAS}ImageRef"
FILES = (PICTURE, f"{SCHEMAS}FileRef")
FORM = "Form"

Schema = dict[str, Any]

_FILE = {"type": "string", "format": "binary"}
_REQUEST_PART = {
    "type": "object",
    "description": "The JSON body, or what of it is not in parts of its own.",
    "additionalProperties": True,
}


def request_schemas() -> dict[str, Schema]:
    """Component name -> schema: each engine's request (`CatvtonRequest`), what these refer to, and the form."""
    # Every engine calls its class `Request`.
    named = [
        create_model(request_name(engine), __base__=request_class(engine), __doc__=request_class(engine).__doc__)
        for engine in ENGINES
    ]
    _, document = models_json_schema([(model, "validation") for model in named], ref_template=SCHEMAS + "{model}")
    schemas: dict[str, Schema] = document["$defs"]
    for name, schema in schemas.items():
        schema["title"] = name
        schema.get("properties", {}).update({field: _field(found) for field, found in _properties(schema).items()})
    return schemas | {FORM: _form(schemas)}


def request_name(engine: str) -> str:
    """What the document calls an engine's request."""
    return f"{engine.capitalize()}Request"


def _properties(schema: Schema) -> dict[str, Schema]:
    properties: dict[str, Schema] = schema.get("properties", {})
    return properties


def _field(schema: Schema) -> Schema:
    """A request's field, its default in words: a client that sent it would overrule presets and the weights' own."""
    kept = {name: value for name, value in schema.items() if name not in ("default", "title")}
    default = schema.get("default")
    if isinstance(default, str | int | float) and "efault" not in schema.get("description", ""):
        kept["description"] = f"{schema.get('description', '')} Default: `{_as_json(default)}`.".strip()
    return kept


def _as_json(default: str | float) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def _form(schemas: dict[str, Schema]) -> Schema:
    """All engines' fields as parts: pictures are files, those within an object under a dotted name."""
    parts: dict[str, Schema] = {"request": _REQUEST_PART}
    for engine in ENGINES:
        for field, schema in _properties(schemas[request_name(engine)]).items():
            part = _part(schema)
            if part.get("type") == "null":  # of the task, and not for this engine
                continue
            parts[field] = _either(parts[field], part) if field in parts else part
    files = {name: part for field, schema in parts.items() for name, part in _files(field, schema, schemas).items()}
    return {
        "type": "object",
        "title": FORM,
        "description": "Each field of a request as a part of its own, or all that are no files as JSON in `request`.",
        "properties": parts | files,
    }


def _part(schema: Schema) -> Schema:
    """A field as a part, which cannot be null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return _described(kinds[0], schema)


def _either(first: Schema, second: Schema) -> Schema:
    """A part that means one thing to one engine and another to the next; constants become a choice."""
    one, other = ({key: value for key, value in schema.items() if key != "description"} for schema in (first, second))
    if one == other:
        return first
    values = [*one.get("enum", [one.get("const")]), *other.get("enum", [other.get("const")])]
    if None not in values:
        return {"type": "string", "enum": list(dict.fromkeys(values))}
    return {"anyOf": [*one.get("anyOf", [one]), *(kind for kind in other.get("anyOf", [other]) if kind != one)]}


def _files(field: str, schema: Schema, schemas: dict[str, Schema]) -> dict[str, Schema]:
    """The file parts of a field: itself if it is a picture or a list of pictures, else those of its own fields."""
    if _is_file(schema):
        return {field: _described(_FILE, schema)}
    if _is_file(schema.get("items", {})):
        return {field: {**schema, "items": _FILE}}
    inner = schemas.get(schema.get("$ref", "").removeprefix(SCHEMAS), {})
    return {f"{field}.{name}": _FILE for name, value in _properties(inner).items() if _is_file(value)}


def _is_file(schema: Schema) -> bool:
    return schema.get("$ref") in FILES


def _described(part: Schema, field: Schema) -> Schema:
    return part | {key: value for key, value in field.items() if key == "description"}
