"""The request of a command line: a file as it is, or made of options."""

from __future__ import annotations

import argparse
import base64
import json
import mimetypes
import secrets
from pathlib import Path

from common.failures import Failed, Json
from common.text import read_text

# Option -> the field of the request it fills.
PICTURES = {
    **{"person": "person", "garment": "garment", "mask": "mask"},
    **{"garment_upper": "garments.upper", "garment_lower": "garments.lower"},
}

_MEANINGS = {
    "person": "who is dressed",
    "garment": "what is put on",
    "mask": "white where to paint (default: found automatically)",
    "garment_upper": "with --garment-lower, instead of --garment",
    "garment_lower": "with --garment-upper, instead of --garment",
}


def add_request_options(command: argparse.ArgumentParser) -> None:
    """`--request`, and options for what most requests are made of."""
    request = command.add_argument_group(
        "request", "a picture is a file, which is sent with the request, or an s3:// or https:// address"
    )
    request.add_argument("--request", metavar="FILE", help="the request as JSON; -: from stdin")
    for name in PICTURES:
        request.add_argument(f"--{name.replace('_', '-')}", metavar="PICTURE", help=_MEANINGS[name])
    request.add_argument("--photos", nargs="+", metavar="PICTURE", help="of one person; or one s3://bucket/folder/")
    request.add_argument(
        "--set",
        type=assignment,
        nargs="+",
        action="extend",
        default=[],
        metavar="FIELD=VALUE",
        help="any other field: seed=7 quality=fast output.inline=true",
    )
    request.add_argument("--id", help="sending the same request with the same id again is safe; default: random")


def assignment(argument: str) -> tuple[str, object]:
    """`output.inline=true` as (`output.inline`, True); what is no JSON is a string."""
    field, equals, value = argument.partition("=")
    if not field or not equals:
        raise argparse.ArgumentTypeError(f"expected FIELD=VALUE, got {argument!r}")
    try:
        return field, json.loads(value)
    except ValueError:
        return field, value


def request_of(args: argparse.Namespace) -> Json:
    """The request that the options describe, with an id.

    Raises:
        Failed: `--request` is no JSON object, or there is nothing to send.
        OSError: a file cannot be read.
    """
    request = _read(args.request) if args.request else {}
    for name, field in PICTURES.items():
        if given := getattr(args, name):
            _put(request, field, reference(given))
    if args.photos:
        whole_folder = len(args.photos) == 1 and args.photos[0].endswith("/")
        request |= {"photos_prefix": args.photos[0]} if whole_folder else {"photos": list(map(reference, args.photos))}
    for field, value in args.set:
        _put(request, field, value)
    if not request:
        raise Failed("there is nothing to send: give --request, or options such as --person and --garment")
    return {**request, "id": args.id or request.get("id") or secrets.token_hex(16)}


def reference(argument: str) -> str:
    """A file as a `data:` URI; an address as it is."""
    if "://" in argument:
        return argument
    media_type = mimetypes.guess_type(argument)[0] or "application/octet-stream"
    return f"data:{media_type};base64,{base64.b64encode(Path(argument).read_bytes()).decode()}"


def _read(file: str) -> Json:
    try:
        request = json.loads(read_text(file))
    except ValueError as error:
        raise Failed(f"--request {file}: not JSON: {error}") from None
    if not isinstance(request, dict):
        raise Failed(f"--request {file}: expected a JSON object, got {type(request).__name__}")
    return request


def _put(request: Json, field: str, value: object) -> None:
    *parents, last = field.split(".")
    for parent in parents:
        request = request.setdefault(parent, {})
        if not isinstance(request, dict):
            raise Failed(f"--set {field}: {parent!r} has no fields, it is {type(request).__name__}")
    request[last] = value
