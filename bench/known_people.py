"""Made-up people whose labels and joints are known, in the place of networks that find them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.perception.boxes import PersonBox
from model.perception.label_maps import ThreeParsers
from model.perception.label_tables import Labels
from model.perception.pose import Pose
from model.train.parsing.people import ParsedPeople
from model.tryon.maskers.makers import Maker, MakerName, ParserMaker, PoseFinder, PoseMaker, PublishedMaker

_NAMES = ("densepose", "lip", "atr")


@dataclass
class KnownPerson:
    """labels: (3, H, W), joints: (18, 3), of one photo."""

    labels: NDArray[np.uint8]
    joints: NDArray[np.float32]

    def of_size(self, name: str, picture: Image.Image) -> Labels:
        plane = self.labels[_NAMES.index(name)]
        return np.asarray(cv2.resize(plane, picture.size, interpolation=cv2.INTER_NEAREST), np.uint8)

    def pose(self, picture: Image.Image, box: PersonBox) -> Pose:
        """Joints that are hidden are told too, as pose networks guess them."""
        scale = picture.width / self.labels.shape[2]
        joints = self.joints.astype(np.float64)
        return Pose(np.concatenate([joints[:, :2] * scale, joints[:, 2:]], 1))


@dataclass
class KnownParser:
    """One of the three maps of whoever is shown next."""

    shown: KnownPerson
    name: str

    def labels(self, picture: Image.Image) -> Labels:
        return self.shown.of_size(self.name, picture)


class KnownParsers(ThreeParsers):
    """All three."""

    def __init__(self, shown: KnownPerson) -> None:
        self.densepose, self.lip, self.atr = (KnownParser(shown, name) for name in _NAMES)


def known_makers(people: ParsedPeople, i: int) -> Mapping[MakerName, Maker]:
    """All three makers, told the truth about one of these people."""
    shown = KnownPerson(people.labels[i], people.joints[i])
    parsers, find_pose = KnownParsers(shown), PoseFinder(shown)
    return {
        "published": PublishedMaker(parsers),
        "pose": PoseMaker(parsers.atr, "atr", parsers.lip, find_pose),
        "parser": ParserMaker(parsers.atr, "atr", find_pose),
    }
