"""Two folders of pictures, matched by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from model.errors import InputError
from model.evaluate.data_set import opened
from model.evaluate.judge import Judge, like
from model.train.datasets import pictures_in


def named(folder: Path) -> dict[str, Path]:
    """Every picture below a folder by its place there without the suffix: `upper_body/000001_0`.

    Raises:
        DataSetError: there is none.
        InputError: two have one name.
    """
    pictures: dict[str, Path] = {}
    for file in pictures_in(folder):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if name in pictures:
            raise InputError(f"{pictures[name]} and {file} have one name", field="results")
        pictures[name] = file
    return pictures


def judge_folders(judge: Judge, results: Mapping[str, Path], truths: Mapping[str, Path]) -> Iterator[str]:
    """Judge each result by the truth of its name, and yield the name. Truths without a result do not matter.

    Raises:
        InputError: a result has no truth, a picture cannot be read.
    """
    if missing := sorted(results.keys() - truths.keys()):
        raise InputError(f"{len(missing)} results have no truth of their name, {missing[0]!r} first", field="truth")
    for name, file in results.items():
        result = opened(file)
        judge.protocol(name, result, like(opened(truths[name]), result.size))
        yield name
