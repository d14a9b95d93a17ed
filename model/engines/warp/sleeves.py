"""Long sleeves that lie against the trunk in a shop's picture: found by their cuffs, and spread.

The networks know sleeves by their outline, and there these have none: cuffs alone stick out beside or below the hem.
Everything outwards of a line from armpit to cuff is turned about the armpit; what is above the sleeve gives way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engines.warp.cutout import Alpha

Plane = NDArray[np.float32]
Places = NDArray[np.float32]  # (..., 2), x and y in pixels

# Chosen by eye on a shop's cardigan and on outlines of tops, dresses and trousers that must not be taken for one.
_LOWER = 0.5  # of the garment's height: from there on down cuffs stick out; where sleeves part higher, they are seen
_LEAST_ROWS = 0.06  # of the garment's height on which both do
_WIDEST, _APART = 0.32, 0.35  # of its width: a cuff's width at most, and what lies between both at least
_BROADER = 1.1  # times as wide as at its cuff is a sleeve at the armpit
_ARMHOLE = 1.3  # times as deep as the sleeve is wide there
_SPREAD = np.radians(21)  # from straight down, where the inner side of a sleeve is turned to
_LEAST_TURN = np.radians(6)  # a sleeve that would turn by less stays as it lies
_GIVES_WAY = np.radians(60)  # from straight down, above which the shoulder is pressed together


@dataclass(frozen=True)
class Sleeve:
    """armpit: x and y, pixels. side: 1 where x grows outwards, else -1. lies: the angle of its inner side from straight
    down, outwards, and opened: by how much that is turned; radians."""

    armpit: tuple[float, float]
    side: int
    lies: float
    opened: float

    def scaled(self, scale: float) -> Sleeve:
        """Of the picture in another size."""
        x, y = self.armpit
        return Sleeve((x * scale, y * scale), self.side, self.lies, self.opened)

    def moved(self, across: float, down: float) -> Sleeve:
        """Of the picture on another canvas."""
        x, y = self.armpit
        return Sleeve((x + across, y + down), self.side, self.lies, self.opened)

    def turned(self, places: Places) -> Places:
        """Where places lie after it was spread."""
        far, angle = self._polar(places)
        return self._moved(
            places, far, angle, np.minimum(angle + self.opened, np.pi - (np.pi - angle) * self._pressed())
        )

    def back(self, places: Places) -> Places:
        """Where places lay before; for those between trunk and sleeve, the sleeve in a mirror."""
        far, angle = self._polar(places)
        before = np.maximum(angle - self.opened, np.pi - (np.pi - angle) / self._pressed())
        return self._moved(places, far, angle, self.lies + np.abs(before - self.lies))

    def between(self, places: Places) -> NDArray[np.bool_]:
        """Whether places are where nothing is since it was spread."""
        angle = self._polar(places)[1]
        return np.asarray((angle > self.lies) & (angle < self.lies + self.opened))

    def _pressed(self) -> float:
        return float(1 - self.opened / (np.pi - _GIVES_WAY))

    def _polar(self, places: Places) -> tuple[Plane, Plane]:
        """Distances from the armpit, and angles from straight down, outwards."""
        across = (places[..., 0] - np.float32(self.armpit[0])) * np.float32(self.side)
        down = places[..., 1] - np.float32(self.armpit[1])
        return np.hypot(across, down), np.arctan2(across, down)

    def _moved(self, places: Places, far: Plane, angle: Plane, new: Plane) -> Places:
        across = far * np.sin(new) * np.float32(self.side) + np.float32(self.armpit[0])
        down = far * np.cos(new) + np.float32(self.armpit[1])
        return np.where((angle > self.lies)[..., None], np.stack([across, down], -1), places).astype(np.float32)


def resting_sleeves(alpha: Alpha) -> tuple[Sleeve, Sleeve] | None:
    """The left and the right one in the picture; None: there are no sleeves, or they are spread already."""
    inside = alpha > 0.5
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        return None
    top, height, width = rows[0], len(rows), columns[-1] + 1 - columns[0]
    cuffs = [y for y in rows[int(_LOWER * height) :] if _two_cuffs(inside[y], width)]
    if len(cuffs) < _LEAST_ROWS * height or cuffs[0] < top + _LOWER * height + 2:
        return None
    sleeves = [_sleeve(inside[:, ::side], cuffs, side) for side in (1, -1)]
    left, right = sleeves
    return None if left is None or right is None else (left, right)


def _two_cuffs(row: NDArray[np.bool_], width: int) -> bool:
    """Whether something narrow is at either end of it, far apart."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
    if len(edges) < 4:  # one run
        return False
    left, right = edges[1] - edges[0], edges[-1] - edges[-2]
    return bool(max(left, right) <= _WIDEST * width and edges[-2] - edges[1] >= _APART * width)


def _sleeve(inside: NDArray[np.bool_], cuffs: list[int], side: int) -> Sleeve | None:
    """The one at the left of a picture that may be mirrored."""
    first = cuffs[0]
    outer = inside.argmax(1)  # of each row
    inner = outer[first] + int(inside[first, outer[first] :].argmin())
    broad = _BROADER * (inner - outer[first])
    shoulder = int((outer[:first] < outer[first] + broad).argmax()) if first else 0
    armpit_y = shoulder + _ARMHOLE * broad
    if armpit_y >= first:
        return None
    armpit_x = outer[round(armpit_y)] + broad
    lies = float(np.arctan2(armpit_x - inner, first - armpit_y))
    opened = float(_SPREAD - lies)
    if opened < _LEAST_TURN:
        return None
    x = armpit_x if side == 1 else inside.shape[1] - 1 - armpit_x
    return Sleeve((float(x), float(armpit_y)), -side, lies, opened)
