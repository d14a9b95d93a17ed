"""Who is meant where several people are in a photo: the largest, and nobody else is touched."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.perception.label_maps import LabelMaps
from model.perception.label_tables import Labels

Mask = NDArray[np.bool_]  # (H, W)

_ATR_HEAD, _LIP_HEAD, _DENSE_HEAD = (2, 11), (2, 13), (23, 24)  # hair and face
_ATR_SKIN = (*_ATR_HEAD, 12, 13, 14, 15)  # and limbs
_LEAST_AREA = 0.0005  # of the picture, of a head or of skin: less is a speck
_ALSO_A_PERSON = 0.15  # of the largest one's area


@dataclass(frozen=True)
class LargestPerson:
    """The largest person in a photo. maps: of that person alone; others: (H, W), where other people are."""

    maps: LabelMaps
    others: Mask
    alone: bool


def largest_person(maps: LabelMaps) -> LargestPerson | None:
    """The person meant; None where nobody is, such as on a picture of a garment.

    Whoever has a head and touches nobody is one; what has no head belongs to the nearest. Two arm in arm are one.
    """
    if not (shows_skin(maps) or _enough(maps.densepose > 0)):
        return None
    people = _people((maps.atr > 0) | (maps.densepose > 0), _heads(maps))
    if not people:
        return LargestPerson(maps, np.zeros(maps.atr.shape, np.bool_), alone=True)
    meant, *rest = sorted(people, key=lambda person: -int(person.sum()))
    others: Mask = np.logical_or.reduce(rest) if rest else np.zeros(meant.shape, np.bool_)
    own = LabelMaps(*(_only(labels, ~others) for labels in (maps.densepose, maps.lip, maps.atr)))
    alone = not any(person.sum() >= _ALSO_A_PERSON * meant.sum() for person in rest)
    return LargestPerson(own, others, alone)


def shows_skin(maps: LabelMaps) -> bool:
    """Whether more than a speck of skin or hair is there: where no map of bodies is, this tells people from clothes."""
    return _enough(np.isin(maps.atr, _ATR_SKIN))


def _people(somebody: Mask, heads: Mask) -> list[Mask]:
    """The areas of those with a head, each with what is nearest to it."""
    count, areas = cv2.connectedComponents(_closed(somebody).astype(np.uint8), connectivity=8)
    with_head = [area for area in range(1, count) if _enough(heads & (areas == area))]
    if len(with_head) < 2:
        return []
    distances = [cv2.distanceTransform((areas != area).astype(np.uint8), cv2.DIST_L2, 5) for area in with_head]
    owners = np.zeros(count, int)
    for area in range(1, count):
        owners[area] = int(np.argmin([distance[areas == area].min() for distance in distances]))
    return [(areas > 0) & (owners[areas] == owner) for owner in range(len(with_head))]


def _heads(maps: LabelMaps) -> Mask:
    heads: Mask = np.isin(maps.atr, _ATR_HEAD) | np.isin(maps.lip, _LIP_HEAD) | np.isin(maps.densepose, _DENSE_HEAD)
    return heads


def _enough(area: Mask) -> bool:
    """Whether more of it is there than seams between other labels, which are thin lines of any label."""
    side = max(3, max(area.shape) // 100) | 1
    opened = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return int(opened.sum()) >= max(1.0, _LEAST_AREA * area.size)


def _only(labels: Labels, kept: Mask) -> Labels:
    return np.where(kept, labels, np.uint8(0))


def _closed(mask: Mask) -> Mask:
    """Parts of one person that labels leave apart by a few pixels are joined."""
    side = max(3, max(mask.shape) // 200) | 1
    kernel = np.ones((side, side), np.uint8)
    closed: Mask = np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)) != 0
    return closed
