"""What the warping try-on takes beside what every try-on does. Imported by the front, so: pydantic, never torch."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from model.codes import Codes
from model.engines.warp.codes import WarpCode
from model.tryon.codes import TryOnCode
from model.tryon.request import Side, TryOnRequest

Variant = Literal["dense", "tps", "cpvton"]
VARIANTS: tuple[Variant, ...] = ("dense", "tps", "cpvton")

_COST: dict[Variant, float] = {"dense": 1, "tps": 60, "cpvton": 2}  # beside each other
_REFERENCE_PIXELS = 768 * 1024  # a picture whose work is 1
_NETWORKS = 0.1  # of the work at that size that does not grow with it


class Request(TryOnRequest):
    """Dress a person: the flat garment is bent onto the body, and only what the old garment hid is painted."""

    heavy_stages: ClassVar[tuple[str, ...]] = ("warp",)
    codes: ClassVar[Codes] = (TryOnCode, WarpCode)

    engine: Literal["warp"] = "warp"
    variant: Variant | None = Field(
        None,
        description="`dense`: a place in the flat picture for every pixel. `tps`: a thin-plate spline, and a network "
        "that paints. `cpvton`: the same with CP-VTON+'s published networks. Default: the first that is loaded.",
    )
    garments: None = Field(None, description="Not of this engine: give `layers`.")
    samples: int = Field(1, ge=1, le=1, description="Nothing is drawn by chance: others would be the same.")
    width: Side = Field(768, description="With `height` says which part of the photo is dressed: its middle.")
    height: Side = Field(1024, description="See `width`. The garment is sampled at the photo's own size.")
    repaint: bool = Field(
        True, description="The whole photo at its own size. False: only the part that is dressed, width x height."
    )
    return_flow: bool = Field(
        False,
        description="Also `flow.png`, of the dressed part, 16 bits a channel: red and green are x and y in the flat "
        "picture, whose borders are 1 and 65535; blue is how much of the pixel the garment covers.",
    )
    return_warped: bool = Field(
        False, description="Also `warped.png`: the garment alone as it is worn, transparent around it."
    )

    @model_validator(mode="after")
    def _one_garment_to_show(self) -> Self:
        for name in ("return_flow", "return_warped"):
            if getattr(self, name) and (self.layers or self.mask_only):
                raise ValueError(f"'{name}' is for one 'garment'")
        return self

    def settings(self) -> dict[str, object]:
        if self.mask_only:
            return {}
        return self.model_dump(include={"variant", "width", "height"}, exclude_none=True)

    def work(self) -> float:
        """In passes at 768 x 1024; the photo's own size is not known here."""
        if self.mask_only:
            return 0.0
        share = self.width * self.height / _REFERENCE_PIXELS
        return self.own_passes() * _COST[self.variant or VARIANTS[0]] * (_NETWORKS + (1 - _NETWORKS) * share)
