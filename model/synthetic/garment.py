"""What a garment is: a cut and a fabric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.synthetic.fabric import Fabric

Cut = Literal["tshirt", "long_sleeve", "trousers", "skirt"]


@dataclass(frozen=True)
class Garment:
    cut: Cut
    fabric: Fabric

    @property
    def is_upper(self) -> bool:
        return self.cut in ("tshirt", "long_sleeve")
