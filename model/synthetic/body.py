"""Where the parts of a standing person are: a pose and a build as outlines on the sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.synthetic.shape import Point, Points, blob, facing, limb, mirrored, moved, outline

ArmPose = Literal["relaxed", "open", "on_hip"]

# Elbow and wrist from the shoulder, and the way the hand points; for the arm on the sheet's right.
_ARMS: dict[ArmPose, tuple[Point, Point, Point]] = {
    "relaxed": ((19, 92), (27, 176), (0.10, 1.0)),
    "open": ((34, 88), (56, 166), (0.28, 1.0)),
    "on_hip": ((52, 78), (8, 142), (-0.75, 0.62)),
}
_MIDDLE = 288.0
SIDES = (-1, 1)  # left and right on the sheet


@dataclass(frozen=True)
class Build:
    """Half widths in units, and how far the whole figure is set down to make it shorter."""

    shoulder: float = 58.0
    chest: float = 50.0
    waist: float = 41.0
    hip: float = 54.0
    arm: float = 13.5


@dataclass(frozen=True)
class Pose:
    """The two arms as they lie on the sheet, left and right; `sway` moves the hips aside, `tilt` the head."""

    left: ArmPose = "relaxed"
    right: ArmPose = "relaxed"
    sway: float = 0.0
    tilt: float = 0.0


class Body:
    """Joints and outlines of one person. A `side` is one of `SIDES`."""

    def __init__(self, build: Build, pose: Pose) -> None:
        self.build, self.pose = build, pose
        self.chest = np.array([_MIDDLE, 232.0])
        self.hips = np.array([_MIDDLE + pose.sway, 356.0])
        self.head = (_MIDDLE + 0.3 * pose.tilt, 104.0)

    def shoulder(self, side: int) -> Points:
        return np.array([_MIDDLE + side * (self.build.shoulder - 9), 200.0 + 0.15 * side * self.pose.sway])

    def arm_joints(self, side: int) -> Points:
        """Shoulder, two points by the elbow that keep the bend firm, wrist."""
        elbow, wrist, _ = self._arm(side)
        shoulder = self.shoulder(side)
        return np.stack(
            [shoulder, shoulder + 0.5 * elbow, shoulder + elbow, shoulder + 0.5 * (elbow + wrist), shoulder + wrist]
        )

    def arm(self, side: int) -> Points:
        w = self.build.arm
        return limb(self.arm_joints(side), (w, w * 0.98, w * 0.82, w * 0.76, w * 0.52))

    def sleeve(self, side: int, length: float, ease: float = 4.5) -> Points:
        """Cloth round the arm from the shoulder; `length` 1 ends at the wrist."""
        joints = self.arm_joints(side)
        line = np.stack([_along(joints, t * length) for t in (0.0, 0.25, 0.5, 0.75, 1.0)])
        w = self.build.arm + ease
        widths = (w - 3.2, w + 1.5, w - length, w - 2 * length, w + 1 - 5.5 * length)
        return limb(line, widths, flat_end=True)

    def hand(self, side: int) -> list[Points]:
        """Palm with fingers, then the thumb."""
        _, _, pointing = self._arm(side)
        wrist = self.arm_joints(side)[-1]
        across = np.array([-pointing[1], pointing[0]]) * side  # towards the body for an arm that hangs
        palm = limb(
            [wrist - 3 * pointing, wrist + 9 * pointing, wrist + 22 * pointing, wrist + 34 * pointing + 2 * across],
            (6.6, 9.2, 9.0, 5.4),
        )
        thumb = limb(
            [
                wrist + 5 * pointing + 4 * across,
                wrist + 14 * pointing + 10 * across,
                wrist + 22 * pointing + 10.5 * across,
            ],
            (4.0, 3.6, 2.6),
        )
        return [palm, thumb]

    def fingers(self, side: int) -> list[Points]:
        """The lines between the fingers."""
        _, _, pointing = self._arm(side)
        wrist = self.arm_joints(side)[-1]
        across = np.array([-pointing[1], pointing[0]]) * side
        return [
            limb([wrist + 25 * pointing + d * across, wrist + 37 * pointing + (0.7 * d + 1.5) * across], (0.4, 0.6))
            for d in (-3.4, 0.6, 4.4)
        ]

    def torso(self, ease: float, hem: float) -> Points:
        """The trunk with `ease` units of cloth, from the shoulders down to y = `hem`."""
        right, left = self._flank(1, ease, hem), self._flank(-1, ease, hem)
        neck = 0.3 * self.build.shoulder + 13
        shoulders = [self._tip(-1, ease), (_MIDDLE - neck, 175), (_MIDDLE + neck, 175), self._tip(1, ease)]
        bottom = [right[-1], (self.hips[0], hem + 6), left[-1]]
        return outline(shoulders, right, bottom, left[::-1])

    def legs(self, hip: float, knee: float, hem: float, length: float = 1.0) -> list[Points]:
        """Two legs with these half widths, `length` 1 ending at the ankle."""
        return [
            limb(self._leg_joints(side, length), (hip, hip * 0.97, knee, 0.5 * (knee + hem), hem), flat_end=True)
            for side in SIDES
        ]

    def bare_legs(self) -> list[Points]:
        return self.legs(26, 15.5, 8.5)

    def shoe(self, side: int) -> Points:
        toe_right = [(-9.5, -6), (8.5, -6), (11, 7), (18, 19), (19, 30), (5, 33), (-8, 31), (-10.5, 16)]
        return moved(blob(facing(toe_right, side)), self.ankle(side))

    def ankle(self, side: int) -> Points:
        ankle: Points = self._leg_joints(side, 1.0)[-1]
        return ankle

    def neck(self) -> Points:
        """The skin from under the chin down to the neckline."""
        w, x = 0.3 * self.build.shoulder, self.head[0]
        left = [(x - w, self.head[1] + 28), (_MIDDLE - w, 160), (_MIDDLE - w - 4, 170), (_MIDDLE - w - 13, 177)]
        right = [(_MIDDLE + w + 13, 177), (_MIDDLE + w + 4, 170), (_MIDDLE + w, 160), (x + w, self.head[1] + 28)]
        return outline(left, self.neckline(), right)

    def neckline(self) -> Points:
        """A round neck, left to right."""
        w = 0.3 * self.build.shoulder
        half = np.array([(w + 13, 177), (w + 7, 193), (0.5 * w, 202), (0, 204)])
        return moved(np.concatenate([mirrored(half), half[-2::-1]]), (_MIDDLE, 0))

    def _arm(self, side: int) -> tuple[Points, Points, Points]:
        elbow, wrist, pointing = _ARMS[self.pose.right if side > 0 else self.pose.left]
        flip = np.array([side, 1.0])
        direction = np.asarray(pointing) * flip
        return np.asarray(elbow) * flip, np.asarray(wrist) * flip, direction / np.linalg.norm(direction)

    def _tip(self, side: int, ease: float) -> Point:
        x, y = self.shoulder(side)
        return (x + side * (1 + 0.3 * ease), y - 13 - 0.4 * ease)

    def _flank(self, side: int, ease: float, hem: float) -> Points:
        b, sway = self.build, self.pose.sway
        tip = self._tip(side, ease)
        flank = [
            (tip[1] + 22, _MIDDLE + side * (b.chest + 4 + ease)),
            (240.0, _MIDDLE + side * (b.chest + ease)),
            (298.0, _MIDDLE + 0.5 * sway + side * (b.waist + 2.4 * ease)),
            (345.0, self.hips[0] + side * (b.hip - 4 + 0.8 * ease)),
            (372.0, self.hips[0] + side * (b.hip + 0.8 * ease)),
        ]
        ys, xs = zip(*flank, strict=True)
        heights = [y for y in ys if y < hem - 12] + [hem]
        return np.array([tip] + [(float(np.interp(y, ys, xs)), y) for y in heights])

    def _leg_joints(self, side: int, length: float) -> Points:
        # The hips sway over the leg that stands; the other one is a little bent and set aside.
        rest = 0.9 * max(-side * self.pose.sway, 0.0)
        hip = moved(self.hips, (side * 26, 18))
        ankle = np.array([_MIDDLE + side * (29 + 1.6 * rest), 696.0])
        knee = 0.5 * (hip + ankle) + (side * (3 + rest), -6)
        joints = np.stack([hip, 0.5 * (hip + knee), knee, 0.5 * (knee + ankle) + (side * 1.5, 0), ankle])
        return np.stack([_along(joints, t * length) for t in (0.0, 0.25, 0.5, 0.75, 1.0)])


def _along(joints: Points, t: float) -> Points:
    """The point at `t` (0..1) of the way along a line of joints."""
    at = t * (len(joints) - 1)
    steps = np.arange(len(joints))
    return np.array([np.interp(at, steps, joints[:, 0]), np.interp(at, steps, joints[:, 1])])
