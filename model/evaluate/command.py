"""`python -m model evaluate`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tqdm import tqdm

from model.command import add_device, add_fields
from model.engines.catvton.request import Request
from model.errors import InputError
from model.train.datasets import Example, Pairing, read_examples

if TYPE_CHECKING:
    import torch

    from model.evaluate.judge import Judge
    from model.evaluate.report import Row
    from model.evaluate.scores import Scores

T = TypeVar("T")

_FIELDS = ("width", "height", "steps", "guidance", "eta", "quality", "solver", "variant")  # of the request


def add_arguments(parser: ArgumentParser) -> None:
    """What is evaluated, and how."""
    parser.add_argument(
        "--task",
        choices=("tryon", "avatar"),
        default="tryon",
        help="of avatars, made-up people are the test set (default: %(default)s)",
    )
    parser.add_argument("--engine", help="of the avatars (default: template)")
    parser.add_argument("--meshes", action="store_true", help="of avatars, also judge surfaces, which takes longer")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a test set in VITON-HD's or DressCode's layout")
    parser.add_argument("--results", type=Path, metavar="DIR", help="results that are there already; nothing is run")
    parser.add_argument("--truth", type=Path, metavar="DIR", help="with --results, instead of --data: true photos")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the evaluation goes")
    parser.add_argument("--unpaired", action="store_true", help="other garments than those the people wear")
    parser.add_argument("--count", type=_positive, metavar="N", help="so many of the test set, spread evenly over it")
    parser.add_argument("--feature-weights", type=Path, metavar="FILE", help="for FID and KID: TorchScript or ONNX")
    parser.add_argument("--lpips-weights", type=Path, metavar="FILE", help="for LPIPS: torchvision's SqueezeNet 1.1")
    parser.add_argument("--automasks", action="store_true", help="judge the pack's automatic masks as well")
    parser.add_argument(
        "--at-once", type=_positive, default=4, metavar="N", help="people dressed together (default: %(default)s)"
    )
    add_fields(parser, Request, _FIELDS)
    seeds = "of the first picture; the next ones count on (default: %(default)s)"
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=seeds)
    parser.add_argument("--no-repaint", action="store_true", help="judge results as painted, at width x height")
    add_device(parser)
    parser.set_defaults(command=evaluate)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ArgumentTypeError(f"{number} is not positive")
    return number


def evaluate(arguments: Namespace) -> int:
    """Evaluate a pack on a test set, or pictures that are there already.

    Raises:
        InputError: the arguments do not go together, or a picture cannot be used.
        DataSetError: the test set cannot be read.
        WeightsError: weights cannot be.
    """
    if arguments.task == "avatar":
        from model.evaluate.avatars.evaluation import evaluate_avatars

        return evaluate_avatars(arguments)
    if arguments.data is None and (arguments.results is None or arguments.truth is None):
        raise InputError("give either --data, or --results and --truth", field="data")
    if arguments.data is not None and arguments.truth is not None:
        raise InputError("--data has its own truth: give no --truth", field="truth")
    from model.evaluate.scores import Scores

    scores = Scores()
    title, settings, rows = _folders(arguments, scores) if arguments.data is None else _test_set(arguments, scores)
    from model.evaluate.report import write_report

    write_report(arguments.out, scores, settings, title, rows)
    tqdm.write(f"{scores.table()}\nresults in {arguments.out}")
    return 0


def _folders(arguments: Namespace, scores: Scores) -> tuple[str, dict[str, object], list[Row]]:
    from model.evaluate.folders import judge_folders, named

    results, truths = named(arguments.results), named(arguments.truth)
    if not arguments.unpaired:
        _exhaust(_bar(judge_folders(_judge(arguments, scores), results, truths), "judge", len(results)))
    _distributions(arguments, scores, results, truths)
    title = f"{arguments.results.name} against {arguments.truth.name}"
    return title, {}, [("result", results)] if arguments.unpaired else [("truth", truths), ("result", results)]


def _test_set(arguments: Namespace, scores: Scores) -> tuple[str, dict[str, object], list[Row]]:
    from model.evaluate.data_set import judge_test_set

    pairing: Pairing = "unpaired" if arguments.unpaired else "paired"
    examples = _spread(read_examples(arguments.data, "test", pairing), arguments.count)
    results = _results(arguments, examples)
    settings: dict[str, object] = {"data": arguments.data.name, "pairing": pairing}
    if arguments.results is None or arguments.automasks:
        from model.evaluate.computing import compute

        settings |= compute(arguments, examples, results, pairing, scores)
    judged = judge_test_set(_judge(arguments, scores), results, examples, pairing)
    _exhaust(_bar(judged, "judge", len(examples)))
    _distributions(arguments, scores, results, {example.name: example.person for example in examples})
    return f"{arguments.data.name}, {pairing}", settings, _rows(examples, results, settings)


def _results(arguments: Namespace, examples: Sequence[Example]) -> dict[str, Path]:
    """Where each example's result is, or will be."""
    if arguments.results is None:
        return {example.name: (arguments.out / "results" / example.name).with_suffix(".png") for example in examples}
    from model.evaluate.folders import named

    there, results = named(arguments.results), {}
    for example in examples:
        names = Path(example.name).with_suffix("").as_posix(), example.person.stem
        if (name := next((name for name in names if name in there), None)) is None:
            raise InputError(f"{arguments.results} has no result for {names[0]!r}", field="results")
        results[example.name] = there[name]
    return results


def _rows(examples: Sequence[Example], results: Mapping[str, Path], settings: Mapping[str, object]) -> list[Row]:
    people = {example.name: example.person for example in examples}
    garments = {example.name: example.garment for example in examples}
    masks = {example.name: example.mask for example in examples}
    rows: list[Row] = [("garment", garments), ("mask", masks), ("result", results)]
    if settings["pairing"] == "unpaired":
        return [("person", people), *rows]
    others = {example.name: example.other for example in examples if example.other.is_file()}
    shown: list[Row] = [("person", others)] if settings.get("variant") == "maskfree" and others else []
    return [*shown, *rows, ("truth", people)]


def _judge(arguments: Namespace, scores: Scores) -> Judge:
    from model.evaluate.judge import Judge

    if arguments.lpips_weights is None:
        if not arguments.unpaired:
            scores.leave_out("lpips", "no --lpips-weights")
        return Judge(scores)
    from model.evaluate.lpips import Lpips

    return Judge(scores, Lpips(arguments.lpips_weights, _torch_device(arguments)))


def _distributions(
    arguments: Namespace, scores: Scores, results: Mapping[str, Path], truths: Mapping[str, Path]
) -> None:
    if arguments.feature_weights is None:
        for measure in ("fid", "kid"):
            scores.leave_out(measure, "no --feature-weights")
        return
    from model.evaluate.feature_network import FeatureNetwork
    from model.evaluate.sets import judge_sets

    network = FeatureNetwork(arguments.feature_weights, _torch_device(arguments))
    shown = partial(tqdm, desc="features", unit="picture")
    judge_sets(scores, network, list(results.values()), list(truths.values()), shown)


def _torch_device(arguments: Namespace) -> torch.device:
    from model.runtime.device import open_device

    device = open_device(arguments.device)
    device.close()
    return device.torch_device


def _spread(examples: list[Example], count: int | None) -> list[Example]:
    if count is None or count >= len(examples):
        return examples
    return [examples[i * len(examples) // count] for i in range(count)]


def _bar(items: Iterable[T], stage: str, total: int) -> Iterable[T]:
    return tqdm(items, desc=stage, total=total, unit="picture")


def _exhaust(items: Iterable[object]) -> None:
    for _ in items:
        pass
