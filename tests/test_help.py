"""`--help` says what every option of every command means, what may be chosen, and what holds when it is absent."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import batch
import deploy
import instances
import invoke
import pytest
import weights

from client.command_line import parser as client_parser
from model.__main__ import _parser as model_parser

SCRIPTS: dict[str, Callable[[list[str]], Any]] = {
    **{"deploy.py": deploy.main, "invoke.py": invoke.main, "batch.py": batch.main},
    **{"weights.py": weights.main, "instances.py": instances.main},
}
NOTHING: tuple[Any, ...] = (None, True, False, [], argparse.SUPPRESS)


class Caught(Exception):  # noqa: N818 - what happened
    """A parser on its way to parse."""


def parser_of(script: str, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    def catch(parser: argparse.ArgumentParser, *_: Any) -> None:
        raise Caught(parser)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", catch)
    with pytest.raises(Caught) as caught:
        SCRIPTS[script]([])
    found: argparse.ArgumentParser = caught.value.args[0]
    return found


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from commands(command)


def missing(parser: argparse.ArgumentParser) -> Iterator[str]:
    """What the help of a command does not say."""
    shown = "".join(parser.format_help().split())  # lines are broken within names, too
    for action in parser._actions:
        name = f"{parser.prog} {action.dest}"
        if not action.help and not isinstance(action, argparse._SubParsersAction):
            yield f"{name}: no meaning"
        if action.help == argparse.SUPPRESS:
            continue
        if action.default not in NOTHING and "default: " not in (action.help or ""):
            yield f"{name}: no default"
        choices = [] if isinstance(action.choices, range) else list(action.choices or [])
        if lacking := [choice for choice in choices if str(choice) not in shown]:
            yield f"{name}: no choice {lacking}"


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [words for command in commands(parser_of(script, monkeypatch)) for words in missing(command)] == []


@pytest.mark.parametrize("parser", [client_parser(), model_parser()], ids=["local_invoke.py", "python -m model"])
def test_the_command_lines(parser: argparse.ArgumentParser) -> None:
    assert len(list(commands(parser))) > 5
    assert [words for command in commands(parser) for words in missing(command)] == []
