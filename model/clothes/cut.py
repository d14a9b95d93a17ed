"""How a garment is cut, in metres of the body's template (T pose, Y up, pelvis at the origin)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

GarmentKind = Literal["tshirt", "long_sleeve", "tank_top", "trousers", "skirt", "dress"]
GarmentPlace = Literal["upper", "lower", "dress"]

NECK_TOP = 0.53  # height the neck's opening is measured from: where the neck leaves the shoulders
SHOULDER = 0.175  # |x| where the shoulder ends and the arm begins


@dataclass(frozen=True)
class Cut:
    """The form of one piece of clothing. Lengths in metres; heights are Y on the template.

    kind: a dress has sleeves as short as those of a top, or none.
    hem: height of the lower edge; of trousers, where the legs end.
    neck_width, neck_depth: half the width of the neck's opening, and how far it reaches below `NECK_TOP` in front.
    v_neck: the opening is pointed, not round.
    sleeve: |x| where sleeves end, or where straps do, inside `SHOULDER`, for one without sleeves.
    waist: height of the upper edge of trousers and skirts.
    looseness: how far the cloth hangs off the body; flare: how much farther at the hem.
    """

    kind: GarmentKind
    _: KW_ONLY
    hem: float
    neck_width: float = 0.08
    neck_depth: float = 0.07
    v_neck: bool = False
    sleeve: float = 0.33
    waist: float = 0.06
    looseness: float = 0.012
    flare: float = 0.0

    @property
    def place(self) -> GarmentPlace:
        """What part of the body it dresses."""
        if self.kind == "dress":
            return "dress"
        return "lower" if self.kind in ("trousers", "skirt") else "upper"

    @property
    def sleeveless(self) -> bool:
        """Whether the arms are bare from the shoulder; only asked of what covers the shoulders."""
        return self.sleeve < SHOULDER
