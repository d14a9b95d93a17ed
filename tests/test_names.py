"""A class name means one thing, files and functions are short."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from tests.server import ROOT

PACKAGES = ("model", "serve", "container", "client")
FOLDERS = (*PACKAGES, "sagemaker", "bench", "tests")
# The registry takes `Request` from every engine's `request.py`; all derive from that of `model/request.py`.
ONE_PER_ENGINE = {"Request"}
# An engine's variants are its own; the others never meet them.
ALIAS_PER_ENGINE = {"Variant"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def function_lengths(path: Path) -> list[int]:
    functions = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions]


def test_no_two_classes_have_the_same_name() -> None:
    paths = [path for package in PACKAGES for path in files(package)]
    names = Counter(node.name for path in paths for node in parsed(path).body if isinstance(node, ast.ClassDef))
    assert len(names) > 400
    assert {name for name, count in names.items() if count > 1} == ONE_PER_ENGINE


def aliases(path: Path) -> Iterator[tuple[str, str]]:
    """Names of types that a file gives beside its classes, and what each stands for; type variables are none."""
    for node in parsed(path).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        meaning = ast.unparse(node.value)
        if isinstance(target, ast.Name) and re.fullmatch("[A-Z]+[a-z]\\w*", target.id) and "TypeVar(" not in meaning:
            yield target.id, meaning


def test_the_name_of_a_type_means_one_thing() -> None:
    paths = [path for package in PACKAGES for path in files(package)]
    classes = {node.name for path in paths for node in parsed(path).body if isinstance(node, ast.ClassDef)}
    meanings: dict[str, set[str]] = {}
    for name, meaning in (alias for path in paths for alias in aliases(path)):
        meanings.setdefault(name, set()).add(meaning)
    assert len(meanings) > 100
    assert {name: several for name, several in meanings.items() if len(several) > 1}.keys() == ALIAS_PER_ENGINE
    assert meanings.keys() & classes == set()


def test_only_engines_and_what_they_derive_from_have_a_request() -> None:
    holders = {path for path in files("model") for node in parsed(path).body if getattr(node, "name", "") == "Request"}
    others = {path for path in holders if not path.match("model/engines/*/request.py")}
    assert others == {ROOT / "model/request.py"}


def test_no_file_is_long() -> None:
    assert {str(path): lines(path) for folder in FOLDERS for path in files(folder) if lines(path) > 350} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_most_files_and_functions_are_short(folder: str) -> None:
    assert median(lines(path) for path in files(folder)) <= 120
    assert median(length for path in files(folder) for length in function_lengths(path)) <= 8
