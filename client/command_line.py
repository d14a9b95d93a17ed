"""Command-line client of an Atelier container. Without `--url` it starts a server of its own for the occasion.

Exit status: 0 done, 1 the service refused or failed, 2 wrong usage, 3 no server could be reached or started.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import httpx

from client import avatar, demo, models, ping, tryon
from client.connection import connection
from client.problems import Failed
from client.progress import say
from container.local_server import NoServer
from model.errors import InputError

_COMMANDS = {
    "ping": (ping, "is it ready?"),
    "models": (models, "what is served"),
    "demo": (demo, "dress made-up people, make an avatar"),
    "tryon": (tryon, "dress a person"),
    "avatar": (avatar, "make a 3D avatar of a person"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    args = _parse(arguments)
    try:
        with connection(args) as http:
            args.run(http, args)
    except (Failed, InputError, OSError) as error:
        return _complain(error, 1)
    except NoServer as error:
        return _complain(error, 3)
    except httpx.TransportError as error:
        return _complain(f"no answer from {args.url}: {error}", 3)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    return 0


def _complain(reason: object, status: int) -> int:
    say(f"atelier: {' '.join(str(reason).split())}")
    return status


def parser() -> ArgumentParser:
    """Of all commands."""
    made = ArgumentParser(prog="local_invoke.py", description=(__doc__ or "").split("\n")[0])
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, meaning) in _COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=meaning, description=meaning))
    return made


def _parse(arguments: list[str] | None) -> Namespace:
    made = parser()
    args = made.parse_args(arguments)
    if problem := _problem(args):
        made.error(problem)
    return args


def _problem(args: Namespace) -> str | None:
    """What is wrong with the options together."""
    hosted = getattr(args, "as_sagemaker", None) is not None
    if hosted and args.url:
        return "--as-sagemaker starts a container of its own: give no --url"
    if not hosted and getattr(args, "queued", False):
        return "--async is for --as-sagemaker"
    own: str | None = args.problem(args) if "problem" in args else None
    return own
