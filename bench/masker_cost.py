"""What each mask maker costs: seconds and memory for one photo, with networks of the published sizes."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import onnx
import torch
from PIL import Image
from safetensors.torch import save_file

from bench.peak import forget_peak, peak, resident
from bench.report import Report, Row
from model.perception.body_pose.network import BodyPoseNetwork
from model.perception.densepose.network import DensePose
from model.perception.schp.export import write
from model.perception.schp.network import SCHP, SIDES
from model.train.parsing.people import make_people
from model.tryon.maskers.makers import MakerName
from model.tryon.maskers.opening import open_makers

SIZE = 768, 1024
MB = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.masker_cost", description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("WEIGHTS", "MAKER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(cost(Path(options.one[0]), options.one[1])))
        return
    report = Report(
        name="masker_cost",
        title="What mask makers cost",
        how=f"One photo of {SIZE[0]} x {SIZE[1]} on the CPU with {torch.get_num_threads()} threads, random weights of "
        "the published networks' sizes: SCHP's parsers in ONNX, DensePose R-CNN and OpenPose's network in torch. CPU "
        "seconds of labels and pose, the second time; memory is the largest of a process that does nothing else, "
        "beyond what it had before the files were opened. A smaller parser (segformer_b2_clothes) or pose network "
        "(RTMPose) costs less.",
    )
    with tempfile.TemporaryDirectory() as folder:
        for maker, names in FILES.items():
            weights = Path(folder) / maker
            for name in names:
                _link(WRITERS[name], Path(folder) / name, weights / "perception" / name)
            report.rows.append(measured(weights, maker))
            report.save()
    report.publish()


def _link(write_file: Callable[[Path], None], made: Path, wanted: Path) -> None:
    """The file in its place; written where it is not there yet."""
    if not made.is_file():
        write_file(made)
    wanted.parent.mkdir(parents=True, exist_ok=True)
    wanted.symlink_to(made)


def write_schp(file: Path, classes: int) -> None:
    write(onnx, SCHP(classes).eval(), classes, SIDES[classes], file)


# Of random weights.
WRITERS: Mapping[str, Callable[[Path], None]] = {
    "parsing_lip.onnx": partial(write_schp, classes=20),
    "parsing_atr.onnx": partial(write_schp, classes=18),
    "densepose.safetensors": lambda file: save_file(DensePose().state_dict(), file),
    "body_pose_model.pth": lambda file: torch.save(BodyPoseNetwork().state_dict(), file),
}
FILES: Mapping[MakerName, tuple[str, ...]] = {
    "published": ("densepose.safetensors", "parsing_lip.onnx", "parsing_atr.onnx"),
    "pose": ("parsing_atr.onnx", "parsing_lip.onnx", "body_pose_model.pth"),
    "parser": ("parsing_atr.onnx",),
}


def measured(weights: Path, maker: MakerName) -> Row:
    """In a process of its own, whose memory is nobody else's."""
    command = [sys.executable, "-m", "bench.masker_cost", "--one", str(weights), maker]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {"maker": maker, "files": ", ".join(FILES[maker]), **figures}


def cost(weights: Path, maker: MakerName) -> dict[str, float]:
    """Seconds of the second look, and the largest memory beyond what was before."""
    warnings.simplefilter("ignore")
    photo = Image.fromarray(make_people(1, 3, *SIZE).photos[0])
    forget_peak()
    before = resident()
    look = open_makers(weights, ["CPUExecutionProvider"])[maker].look
    look(photo)
    started = time.process_time()
    look(photo)
    seconds = time.process_time() - started
    return {"CPU seconds": seconds, "memory, MB": (peak() - before) / MB}


if __name__ == "__main__":
    main()
