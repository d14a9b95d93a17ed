"""What botocore leaves to the service: lengths, ranges, patterns and enumerations of a call's parameters.

botocore itself checks names, types, and least values. The rest stands in the same service model, and whoever only
prints a call wants to know it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ParamValidationError
from botocore.model import Shape
from botocore.validate import validate_parameters


def check(parameters: dict[str, object], shape: Shape) -> None:
    """Compare the parameters of a call with the shape of its input.

    Raises:
        ParamValidationError: one is unknown, missing, of the wrong type, out of range or not among the allowed.
    """
    validate_parameters(parameters, shape)
    if problems := list(_problems("", parameters, shape)):
        raise ParamValidationError(report="\n".join(problems))


def _problems(path: str, value: Any, shape: Shape) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for name, member in value.items():
                yield from _problems(f"{path}.{name}".lstrip("."), member, shape.members[name])
        case "list":
            yield from _out_of_range(f"number of {path}", len(value), shape)
            for i, member in enumerate(value):
                yield from _problems(f"{path}[{i}]", member, shape.member)
        case "map":
            yield from _out_of_range(f"number of {path}", len(value), shape)
            for key, member in value.items():
                yield from _problems(f"key of {path}", key, shape.key)
                yield from _problems(f"{path}[{key}]", member, shape.value)
        case "string":
            yield from _out_of_range(f"length of {path}", len(value), shape)
            yield from _unlike(path, value, shape)
        case "integer" | "long" | "float" | "double":
            yield from _out_of_range(path, value, shape)


def _out_of_range(what: str, value: float, shape: Shape) -> Iterator[str]:
    least, most = (shape.metadata.get(bound) for bound in ("min", "max"))
    if (least is not None and value < least) or (most is not None and value > most):
        yield f"{what} is {value}, allowed are {least} to {most}"


def _unlike(path: str, value: str, shape: Shape) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{path} is {value!r}, which the service does not know"
    try:
        pattern = re.compile(shape.metadata.get("pattern", ".*"), re.DOTALL)
    except re.error:  # Java's own: \p{Print} and the like
        return
    if not pattern.fullmatch(value):
        yield f"{path} is {value!r}, which is not of the form {pattern.pattern}"
