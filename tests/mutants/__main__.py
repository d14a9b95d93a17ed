"""Break one line at a time in a copy of the checkout, and see that a test notices.

`python -m tests.mutants [WORD ...]`: all breaks, or those whose name has one of the words. Ends with 1 if one survives.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.breaks import BREAKS, Break
from tests.server import GOLDEN, ROOT

_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "node_modules")
_NO_TEST_FAILED, _TESTS_FAILED = 0, 1  # pytest's exit codes


def main(words: Sequence[str]) -> int:
    breaks = [one for one in BREAKS if not words or any(word in one.name for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "atelier"
        shutil.copytree(ROOT, copy, ignore=_NOT_COPIED)
        if GOLDEN.is_dir():  # beside the checkout, where tests look for it
            (copy.parent / "shared").symlink_to(GOLDEN.parent)
        unbroken = run(copy, sorted({test for one in breaks for test in one.tests}))
        if unbroken.returncode != _NO_TEST_FAILED:
            print(unbroken.stdout[-4000:])
            print("the tests fail without any break: nothing can be said")
            return 2
        survivors = [one for one in breaks if survives(copy, one)]
    print(f"{len(breaks) - len(survivors)} of {len(breaks)} breaks were noticed")
    return 1 if survivors else 0


def survives(copy: Path, one: Break) -> bool:
    """Whether its tests pass in spite of it."""
    file = copy / one.file
    source = file.read_text()
    file.write_text(broken(source, one))
    try:
        done = run(copy, one.tests, "-x")
    finally:
        file.write_text(source)
    noticed = done.returncode == _TESTS_FAILED
    print(f"{'noticed ' if noticed else 'SURVIVES'}  {one.name} ({one.file})", flush=True)
    if not noticed:
        print(done.stdout[-2000:])
    return not noticed


def broken(source: str, one: Break) -> str:
    """The source with the break.

    Raises:
        ValueError: what is to be broken is not there, or more than once.
    """
    if source.count(one.old) != 1:
        raise ValueError(f"{one.file} has {source.count(one.old)} times what '{one.name}' is to break; expected once")
    return source.replace(one.old, one.new)


def run(copy: Path, tests: Sequence[str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *tests]
    return subprocess.run(command, cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
