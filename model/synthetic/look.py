"""Everything that makes one drawn person different from another."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.synthetic.body import Build, Pose
from model.synthetic.colour import Colour
from model.synthetic.garment import Garment
from model.synthetic.head import Head
from model.synthetic.scene import Scene


@dataclass(frozen=True)
class Look:
    """One person: who, how they stand, what they wear and where."""

    head: Head
    top: Garment
    bottom: Garment
    scene: Scene
    shoes: Colour = (244, 240, 234)
    build: Build = field(default_factory=Build)
    pose: Pose = field(default_factory=Pose)
