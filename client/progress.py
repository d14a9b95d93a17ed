"""What is going on goes to stderr; stdout is for results."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from tqdm import tqdm

OnProgress = Callable[[str, int, int], None]  # stage, done, total


def say(text: str) -> None:
    """A line on stderr."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def stage_bar() -> Iterator[OnProgress]:
    """A progress bar that shows the stage that is running."""
    with tqdm(disable=None, bar_format="{desc:<12}{bar} {n_fmt}/{total_fmt} {elapsed}") as bar:

        def on_progress(stage: str, done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.set_description(stage)

        yield on_progress
