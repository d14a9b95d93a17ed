"""The demo pack's label networks by one command: people are photographed, a network is fitted, written and scored.

python -m model.train.parsing --data people --out model/demo_pack/data
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

import torch

from model.errors import EngineError
from model.perception.files import label_map_files
from model.train.parsing.export import write_onnx
from model.train.parsing.fitting import Recipe, fit
from model.train.parsing.people import kept_people
from model.train.parsing.scores import score

_SIZE = 192, 256  # of the photos it learns from
_UNSEEN_SIZE = 384, 512


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    torch.set_num_threads(arguments.threads)
    recipe = Recipe(arguments.steps, arguments.minutes, arguments.seed)
    try:
        people = kept_people(arguments.data, arguments.people, arguments.seed, *_SIZE)
        parser = fit(people, recipe)
        for number, (file, classes) in enumerate(label_map_files(arguments.out).items()):
            write_onnx(parser.alone(number), classes, file)
        scores = score(arguments.out, kept_people(arguments.data, arguments.unseen, arguments.seed + 1, *_UNSEEN_SIZE))
    except EngineError as error:
        print(f"error: {error.message} ({error.code})", file=sys.stderr)
        return 1
    print(json.dumps({"people": len(people), **asdict(recipe), **asdict(scores)}))
    return 0


def _arguments(argv: list[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m model.train.parsing", description="Train the demo pack's label networks.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where people are kept, or to be made")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a MODEL_DIR: perception/ is written")
    parser.add_argument("--people", type=int, default=3000, help="photos to learn from")
    parser.add_argument("--unseen", type=int, default=100, help="photos to be scored on, of other people")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--minutes", type=float, default=30, help="stop earlier, when this much has passed")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
