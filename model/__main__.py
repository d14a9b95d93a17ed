"""The engines without a server: `python -m model tryon`, `avatar`, `synthetic`, `train`, `evaluate`, ...

Exit codes: 0 done, 1 something is wrong with the weights or the pictures, 2 with the command line.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from pydantic import ValidationError

from model.engines.catvton import command as tryon_command
from model.engines.ootdiffusion import command as ootdiffusion_command
from model.engines.pack import EnginePack
from model.engines.pointcloth import command as outfit_command
from model.engines.up2you import command as avatar_command
from model.engines.warp import command as warp_command
from model.errors import EngineError
from model.evaluate import command as evaluate_command
from model.train import command as train_command
from model.train import synthetic_command
from model.train.own_photos import command as dataset_command
from model.train.template.settings import TemplateTraining


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(_by_engine(sys.argv[1:] if argv is None else argv))
    try:
        status: int = arguments.command(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        print(f"error: {'.'.join(map(str, first['loc'])) or 'request'}: {message}", file=sys.stderr)
        return 2
    except EngineError as error:
        print(f"error: {error.message} ({error.code})", file=sys.stderr)
        return 1
    return status


def _by_engine(words: list[str]) -> list[str]:
    """`tryon --engine warp` is `warp`, the command of that engine alone."""
    if words[:1] == ["tryon"] and "--engine" in words[:-1]:
        place = words.index("--engine")
        command = "tryon" if words[place + 1] == "catvton" else words[place + 1]
        return [command, *words[1:place], *words[place + 2 :]]
    return words


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m model", description="Run the engines without a server.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    tryon_command.add_arguments(commands.add_parser("tryon", help="dress a person"))
    ootdiffusion_command.add_arguments(commands.add_parser("ootdiffusion", help="dress a person with OOTDiffusion"))
    warp_command.add_arguments(commands.add_parser("warp", help="dress people by warping, folders of them too"))
    avatar_command.add_arguments(commands.add_parser("avatar", help="make a 3D avatar of a person"))
    outfit_command.add_arguments(
        commands.add_parser("outfit", help="fit outfits of a folder; take over published files of point-based clothing")
    )
    synthetic_command.add_arguments(commands.add_parser("synthetic", help="write data sets of made-up people"))
    dataset_command.add_arguments(commands.add_parser("dataset", help="make data sets of one's own photos, check some"))
    training = commands.add_parser("train", help="train an autoencoder or a try-on network")
    train_command.add_arguments(training)
    training.set_defaults(command=_train)
    evaluate_command.add_arguments(commands.add_parser("evaluate", help="measure how good results are"))

    check = commands.add_parser("check", help="say what is right and wrong with a folder of weights")
    check.add_argument("model_dir", metavar="MODEL_DIR", help="the folder, or demo")
    check.set_defaults(command=_check)

    convert = commands.add_parser("convert", help="make a published perception checkpoint one that can be served")
    convert.add_argument("checkpoint", type=Path, metavar="FILE", help="SCHP's .pth, or DensePose's .pkl")
    convert.add_argument(
        "out", type=Path, metavar="OUT", help="parsing_lip.onnx, parsing_atr.onnx or densepose.safetensors"
    )
    convert.set_defaults(command=_convert)

    onnx = commands.add_parser("onnx", help="write the warping try-on's networks as ONNX")
    warp_command.add_export_arguments(onnx)

    demo_pack = commands.add_parser("demo-pack", help="write the built-in tiny networks to a folder")
    demo_pack.add_argument("folder", type=Path, metavar="DIR", help="where they go")
    demo_pack.set_defaults(command=_demo_pack)
    return parser


def _train(arguments: Namespace) -> int:
    """A whole pack is judged in the end."""
    settings, ended = train_command.trained(arguments)
    first = os.environ.get("RANK", "0") == "0"  # of several processes that train together
    if ended and first and isinstance(settings, TemplateTraining) and settings.what == "pack":
        from model.evaluate.avatars.trained_pack import finish_pack

        print(finish_pack(settings).tables())
    return 0


def _check(arguments: Namespace) -> int:
    from model.engines.check import PackReport, check
    from model.perception.check import PerceptionReport, check_perception

    pack = EnginePack(arguments.model_dir)
    perception = check_perception(pack.folder)
    reports: list[PackReport | PerceptionReport] = [*check(pack), *([perception] if perception else [])]
    print("\n".join(str(report) for report in reports))
    return 1 if any(report.problems for report in reports) else 0


def _convert(arguments: Namespace) -> int:
    from model.perception.convert import convert

    convert(arguments.checkpoint, arguments.out)
    print(arguments.out)
    return 0


def _demo_pack(arguments: Namespace) -> int:
    from model.demo_pack.writing import write_demo_pack

    write_demo_pack(arguments.folder)
    print(arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
