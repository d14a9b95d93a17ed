"""Which mask makers' files are there, and opening them. A file that several use is opened once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from model.errors import WeightsError
from model.perception.detectors import open_detector
from model.perception.files import ONE_PARSER, label_map_files
from model.perception.label_maps import Parser, ThreeParsers, open_parser
from model.perception.label_tables import CLASSES
from model.perception.onnx_file import Provider
from model.perception.parsing import Parsing
from model.perception.pose import POSE_FILES, open_pose
from model.perception.profile import LabelNames
from model.tryon.maskers.makers import Maker, MakerName, ParserMaker, PoseFinder, PoseMaker, PublishedMaker

_ATR, _LIP = "perception/parsing_atr.onnx", "perception/parsing_lip.onnx"

# What each maker cannot do without; of a tuple, one is enough.
NEEDS: Mapping[MakerName, tuple[str, ...]] = {
    "published": ("perception/densepose.onnx", _LIP, _ATR),
    "pose": (f"{ONE_PARSER} or {_ATR}", " or ".join(POSE_FILES)),
    "parser": (f"{ONE_PARSER} or {_ATR}",),
}


def missing(maker: MakerName, weights: Path) -> list[str]:
    """What a maker needs and is not in a folder of weights."""
    if maker == "published":
        files = label_map_files(weights)
        return [need for need, file in zip(NEEDS[maker], files, strict=True) if not file.is_file()]
    return [need for need in NEEDS[maker] if not any((weights / name).is_file() for name in need.split(" or "))]


def open_makers(weights: Path, providers: Sequence[Provider]) -> dict[MakerName, Maker]:
    """Every maker whose files are there.

    Raises:
        WeightsError: a file is not what it should be.
    """
    opened = _Opened(weights, providers)
    makers: dict[MakerName, Maker] = {}
    if not missing("published", weights):
        makers["published"] = PublishedMaker(opened.three, opened.pose)
    if not missing("parser", weights):
        parser, labels = opened.one
        pose = opened.pose
        makers["parser"] = ParserMaker(parser, labels, pose)
        if pose is not None:
            makers["pose"] = PoseMaker(parser, labels, opened.lip, pose)
    return makers


class _Opened:
    def __init__(self, weights: Path, providers: Sequence[Provider]) -> None:
        self._weights, self._providers = weights, providers

    @cached_property
    def three(self) -> ThreeParsers:
        return ThreeParsers(self._weights, self._providers)

    @cached_property
    def one(self) -> tuple[Parser, LabelNames]:
        """The parser that stands alone, and what its classes are called."""
        file = self._weights / ONE_PARSER
        if not file.is_file():
            return self._shared("atr", _ATR), "atr"
        parser = Parsing(file, CLASSES["atr"], self._providers)
        labels = parser.network.profile.labels
        if labels not in ("atr", "fashn"):
            raise WeightsError(f"{file}: labels are {labels!r}, expected 'atr' or 'fashn', in its sidecar")
        return parser, labels

    @cached_property
    def lip(self) -> Parser | None:
        return self._shared("lip", _LIP) if (self._weights / _LIP).is_file() else None

    @cached_property
    def pose(self) -> PoseFinder | None:
        network = open_pose(self._weights, self._providers)
        return None if network is None else PoseFinder(network, open_detector(self._weights, self._providers))

    def _shared(self, labels: str, name: str) -> Parser:
        if not missing("published", self._weights):
            return self.three.atr if labels == "atr" else self.three.lip
        return open_parser(self._weights / name, CLASSES[labels], self._providers)
