"""What is right and wrong with the files that find people, masks and joints, and how each of them is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from model.errors import WeightsError
from model.perception.detectors import open_detector_file
from model.perception.files import DETECTOR_FILES, MATTING, ONE_PARSER, label_map_files
from model.perception.label_maps import open_parser
from model.perception.label_tables import CLASSES
from model.perception.matting import OnnxMatting
from model.perception.onnx_file import OnnxNetwork
from model.perception.parsing import Parsing
from model.perception.pose import POSE_FILES, open_pose_file


@dataclass(frozen=True)
class PerceptionReport:
    """described: of each readable file, who says how it is asked. problems: of the others, what is wrong."""

    described: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = f"{len(self.problems)} problem(s)" if self.problems else "complete"
        names = [f"  {name:<34}{by}" for name, by in self.described.items()]
        return "\n".join([f"perception: {verdict}", *names, *(f"  problem           {one}" for one in self.problems)])


def check_perception(weights: Path) -> PerceptionReport | None:
    """Every file that is there, opened; None without any."""
    report = PerceptionReport()
    for name, open_it in _files(weights):
        if not (weights / name).is_file():
            continue
        try:
            report.described[name] = _described_by(open_it(weights / name))
        except WeightsError as error:
            report.problems.append(error.message)
    return report if report.described or report.problems else None


def _files(weights: Path) -> Iterator[tuple[str, Callable[[Path], object]]]:
    for file, classes in label_map_files(weights).items():
        yield file.relative_to(weights).as_posix(), partial(open_parser, classes=classes)
    yield ONE_PARSER, partial(Parsing, classes=CLASSES["atr"])
    for name in POSE_FILES:
        yield name, open_pose_file
    for name in DETECTOR_FILES:
        yield name, open_detector_file
    yield MATTING, OnnxMatting


def _described_by(opened: object) -> str:
    network = getattr(opened, "network", None)
    return f"asked as {network.described_by} says" if isinstance(network, OnnxNetwork) else "its own format"
