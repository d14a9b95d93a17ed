"""The list of breaks keeps up with the code: what is broken is there once, and so are the tests."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.__main__ import broken
from tests.mutants.breaks import BREAKS, Break
from tests.server import ROOT


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_a_break_breaks_one_line_and_its_tests_are_there(one: Break) -> None:
    ast.parse(broken((ROOT / one.file).read_text(), one))
    for test in one.tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text() or not name
