"""`--help` says what every option means, what may be chosen, and what is taken when it is absent."""

from __future__ import annotations

import argparse

import pytest

from client.command_line import parser

SILENT = (None, False, argparse.SUPPRESS)


def commands() -> list[argparse.ArgumentParser]:
    [found] = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return list(found.choices.values())


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.prog.split()[-1])
def test_every_option_has_a_meaning_and_its_default(command: argparse.ArgumentParser) -> None:
    shown = " ".join(command.format_help().split())
    for action in command._actions:
        assert action.help, action.option_strings
        assert action.default in SILENT or f"(default: {action.default})" in shown, action.option_strings
        takes_a_value = action.nargs != 0 and not action.required
        if takes_a_value and action.dest != "as_sagemaker":
            assert "default" in action.help or "instead of" in action.help, action.option_strings
