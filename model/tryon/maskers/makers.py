"""The mask makers: what each needs, which categories it answers, and how it labels a photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

from model.perception.boxes import best_match
from model.perception.detectors import Detector
from model.perception.label_maps import LabelMaps, Parser, ThreeParsers
from model.perception.label_tables import FASHN_TO_ATR, Labels, renamed
from model.perception.one_parser import maps_of_atr, maps_of_fashn
from model.perception.pose import Pose, PoseNetwork
from model.perception.profile import LabelNames
from model.perception.skeletons import Joints
from model.tryon.automask import agnostic_mask
from model.tryon.maskers.people import largest_person, shows_skin
from model.tryon.maskers.presence import shows_somebody
from model.tryon.necked_parsing import with_neck
from model.tryon.pose_mask import ARM_WIDTHS, Clothes, pose_mask
from model.tryon.request import Category

MakerName = Literal["published", "pose", "parser"]
Mask = NDArray[np.bool_]  # (H, W)

# The published masker was shown pictures of 768 x 1024. Its margins follow the size; its networks see less than that.
_LONGEST_SIDE = 1024
_POSE_SIZE = (384, 512)  # what OOTDiffusion's masker sees; on the way there its photos pass through twice that size
_CLOTHES: Mapping[Category, Clothes] = {"upper": "upper", "lower": "lower", "overall": "dress"}
_LEAST_CONFIDENCE = 0.3  # of a joint
_LEFT_ARM, _RIGHT_ARM = 14, 15  # ATR
_RIGHT_JOINTS, _LEFT_JOINTS = (2, 3, 4), (5, 6, 7)  # shoulder, elbow, wrist of COCO-18


@dataclass(frozen=True)
class Seen:
    """What a maker saw in a photo.

    maps: at a size of the maker's. part: left, top, right, bottom of the photo in them. joints: (18, 3), COCO-18 in
    pixels of the maps, where the maker asks for a pose. somebody: False where they are of no person.
    """

    maps: LabelMaps
    part: tuple[int, int, int, int]
    joints: Joints | None = None
    somebody: bool = True

    @property
    def nbytes(self) -> int:
        return self.maps.nbytes


class Maker(Protocol):
    """Something that makes masks. May be asked from several threads."""

    name: MakerName
    categories: frozenset[Category]

    def look(self, photo: Image.Image) -> Seen:
        """What is where in an RGB photo: slow, and the same for every category."""

    def mask(self, seen: Seen, category: Category) -> Mask:
        """Where a garment of this category is to be painted, at the size of the maps."""

    def clothes(self, picture: Image.Image) -> Labels:
        """ATR's names of what an RGB picture shows, which may be a garment alone: one network is asked."""


class PublishedMaker:
    """Three label maps, as the published try-on's masker uses them."""

    name: MakerName = "published"
    categories: frozenset[Category] = frozenset(("upper", "lower", "overall", "inner", "outer"))

    def __init__(self, parsers: ThreeParsers, find_pose: PoseFinder | None = None) -> None:
        self.parsers, self._find_pose = parsers, find_pose

    def look(self, photo: Image.Image) -> Seen:
        picture = small(photo)
        maps, find_pose = self.parsers(picture), self._find_pose
        somebody = find_pose is None or shows_somebody(maps, lambda: _joints(find_pose(picture, maps)))
        return Seen(maps, (0, 0, *picture.size), somebody=somebody)

    def clothes(self, picture: Image.Image) -> Labels:
        return self.parsers.atr.labels(small(picture))

    def mask(self, seen: Seen, category: Category) -> Mask:
        return np.asarray(agnostic_mask(seen.maps, category) != 0)


class ParserMaker:
    """One parser in place of three; hands from its own classes, from a pose, or as the ends of arms.

    No such parser tells a coat from what is worn under it.
    """

    name: MakerName = "parser"
    categories: frozenset[Category] = frozenset(("upper", "lower", "overall", "inner"))

    def __init__(self, parser: Parser, labels: LabelNames, find_pose: PoseFinder | None) -> None:
        self._parser, self._labels, self._find_pose = parser, labels, find_pose

    def clothes(self, picture: Image.Image) -> Labels:
        return _atr_names(self._parser.labels(small(picture)), self._labels)

    def look(self, photo: Image.Image) -> Seen:
        picture = small(photo)
        labels = self._parser.labels(picture)
        part = (0, 0, *picture.size)
        maps, find_pose = maps_of_fashn(labels) if self._labels == "fashn" else maps_of_atr(labels), self._find_pose
        if find_pose is None or not shows_skin(maps):
            return Seen(maps, part, somebody=shows_skin(maps))
        if self._labels == "fashn":
            somebody = shows_somebody(maps, lambda: _joints(find_pose(picture, maps)))
            return Seen(maps, part, somebody=somebody)
        joints = _joints(find_pose(picture, maps))
        return Seen(maps_of_atr(labels, joints), part, somebody=shows_somebody(maps, lambda: joints))

    def mask(self, seen: Seen, category: Category) -> Mask:
        return np.asarray(agnostic_mask(seen.maps, category) != 0)


class PoseMaker:
    """One parser and the arms of a pose: OOTDiffusion's masker. A second parser tells the neck from the face."""

    name: MakerName = "pose"
    categories: frozenset[Category] = frozenset(("upper", "lower", "overall"))

    def __init__(self, atr: Parser, labels: LabelNames, lip: Parser | None, find_pose: PoseFinder) -> None:
        self._atr, self._labels, self._lip, self._find_pose = atr, labels, lip, find_pose

    def clothes(self, picture: Image.Image) -> Labels:
        return _atr_names(self._atr.labels(small(picture)), self._labels)

    def look(self, photo: Image.Image) -> Seen:
        picture, part = fitted(photo)
        labels = self._atr.labels(picture)
        maps = maps_of_fashn(labels) if self._labels == "fashn" else maps_of_atr(labels)
        joints = _joints(self._find_pose(picture, maps))
        somebody = shows_skin(maps) and shows_somebody(maps, lambda: joints)
        if self._lip is not None:
            maps = LabelMaps(maps.densepose, self._lip.labels(picture), maps.atr)
        return Seen(maps, part, joints, somebody)

    def mask(self, seen: Seen, category: Category) -> Mask:
        maps, joints = seen.maps, np.zeros((18, 2))
        if seen.joints is not None:
            sure = seen.joints[:, 2] >= _LEAST_CONFIDENCE
            joints[sure] = seen.joints[sure, :2]
        labels = with_neck(maps.atr, maps.lip) if self._lip is not None else maps.atr
        if self._labels == "fashn":
            labels = _with_sides(labels, joints)
        arm_width = ARM_WIDTHS["hd" if category == "upper" else "dc"]
        return pose_mask(labels, joints, _CLOTHES[category], arm_width)


def _joints(pose: Pose | None) -> Joints | None:
    return None if pose is None else pose.coco_18


def _atr_names(labels: Labels, names: LabelNames) -> Labels:
    return renamed(labels, FASHN_TO_ATR) if names == "fashn" else labels


def _with_sides(labels: Labels, joints: Joints) -> Labels:
    """Labels that call every arm the left one, with those called right that are nearer to the right arm's joints."""
    y, x = np.nonzero(labels == _LEFT_ARM)
    places = np.stack([x, y], axis=1)
    near = [np.linalg.norm(places[:, None] - joints[list(arm)], axis=2).min(1) for arm in (_LEFT_JOINTS, _RIGHT_JOINTS)]
    sided = labels.copy()
    sided[y, x] = np.where(near[1] < near[0], _RIGHT_ARM, _LEFT_ARM)
    return sided


def small(photo: Image.Image) -> Image.Image:
    """RGB, the longer side at most 1024."""
    picture = photo.convert("RGB")
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Resampling.LANCZOS)
    return picture


def fitted(photo: Image.Image) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """The photo within 384 x 512, its borders continued where its aspect is another; and its box there.

    A photo of that aspect is seen as by the published masker.
    """
    width, height = _POSE_SIZE
    picture = photo.convert("RGB")
    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(scale * picture.width)), max(1, round(scale * picture.height))
    twice = picture.resize((2 * size[0], 2 * size[1]), Resampling.BICUBIC)
    inner = np.asarray(twice.resize(size, Resampling.BICUBIC))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    around = ((top, height - size[1] - top), (left, width - size[0] - left), (0, 0))
    return Image.fromarray(np.pad(inner, around, mode="edge")), (left, top, left + size[0], top + size[1])


@dataclass(frozen=True)
class PoseFinder:
    """detector: whose box is taken where it is of the person that the labels show; else the labels' own box is."""

    network: PoseNetwork
    detector: Detector | None = None

    def __call__(self, picture: Image.Image, maps: LabelMaps) -> Pose | None:
        """The pose of the largest person that the labels show."""
        person = largest_person(maps)
        if person is None or not person.maps.atr.any():
            return None
        rows, columns = (np.flatnonzero((person.maps.atr > 0).any(axis)) for axis in (1, 0))
        box = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
        detected = None if self.detector is None else best_match(self.detector.people(picture), box)
        return self.network.pose(picture, detected or box)
