"""The execution role's policy for given places: policy.json with its `${PLACEHOLDERS}` filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from common.failures import Failed, Json

TEMPLATE = Path(__file__).with_name("policy.json")

_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>[^:@]+)[:@].+"
)


# Of the template: a word, the resources or actions of a statement, or a statement.
Part: TypeAlias = "str | list[str] | dict[str, Part]"


def fill(places: Mapping[str, Sequence[str]]) -> Json:
    """The policy. A statement about a place that is not given is left out.

    Args:
        places: placeholder -> its values; a resource with a placeholder becomes one per value.
    """
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    statements = [_filled(statement, places) for statement in template["Statement"]]
    return {**template, "Statement": [statement for statement in statements if statement]}


def places_of(
    *,
    image: str,
    model_prefix: str,
    output_prefix: str,
    input_prefixes: Sequence[str] = (),
    topics: Sequence[str] = (),
    queues: Sequence[str] = (),
    keys: Sequence[str] = (),
    vpc: bool = False,
) -> dict[str, Sequence[str]]:
    """The placeholders of policy.json for one deployment.

    Raises:
        Failed: the image is not in ECR, from where alone SageMaker pulls.
    """
    named = _IMAGE.fullmatch(image)
    if named is None:
        raise Failed(f"--image {image!r} is not ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG")
    read = [model_prefix, *input_prefixes]
    every = [*read, output_prefix]
    return {
        **{name.upper(): [value] for name, value in named.groupdict().items()},
        "READ": [_path(prefix) for prefix in read],
        "WRITE": [_path(output_prefix)],
        "BUCKET": sorted({_path(prefix).split("/")[0] for prefix in every}),
        "FOLDER": [_path(prefix).partition("/")[2] for prefix in every],
        "TOPIC": topics,
        "QUEUE": queues,
        "KEY": keys,
        "ANY": ["*"] if vpc else [],
    }


def _path(prefix: str) -> str:
    return prefix.removeprefix("s3://")


def _filled(value: Part, places: Mapping[str, Sequence[str]]) -> object:
    """`value` with its placeholders replaced; a list without any value left makes the whole empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [text for item in value for text in _each(item, places)]
    filled = {name: _filled(member, places) for name, member in value.items()}
    return filled if all(filled.values()) else {}


def _each(text: str, places: Mapping[str, Sequence[str]]) -> list[str]:
    names = re.findall(r"\$\{(\w+)\}", text)
    if not names:
        return [text]
    name, rest = names[0], names[1:]
    filled = [text.replace(f"${{{name}}}", value) for value in places[name]]
    return [each for one in filled for each in _each(one, places)] if rest else filled
