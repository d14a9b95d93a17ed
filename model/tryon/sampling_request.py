"""What try-ons by diffusion take beside what every one does. Imported by the front process, so: never torch."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from model.tryon.request import Layer, TryOnRequest

WARP, STRENGTH = "warp", 0.6  # an `init`, and how much of the noise it gets if nobody says


class SampledTryOnRequest(TryOnRequest):
    """Sampling may start from a picture of the garment warped onto the body (SDEdit, arXiv 2108.01073)."""

    init: Literal["noise", "warp"] = Field(
        "noise",
        description="Where sampling starts: in noise, as published, or in what the engine `warp` makes of the same "
        "pictures, noised: fewer steps, and prints stay.",
    )
    init_strength: float | None = Field(
        None,
        gt=0,
        le=1,
        description="With `init` `warp`, the share of the `steps` that is still taken, at least one; default 0.6.",
    )

    @model_validator(mode="after")
    def _starts_where_there_is_a_start(self) -> Self:
        if self.init_strength is not None and self.init == "noise":
            raise ValueError("'init_strength' is for 'init' warp")
        if self.init == WARP and self.garments is not None:
            raise ValueError("'init' warp puts on one 'garment' or 'layers', not 'garments'")
        return self

    def first_step(self, steps: int) -> int:
        """The index of the step that sampling starts before."""
        return 0 if self.init == "noise" else steps - max(1, round(self.strength * steps))

    @property
    def strength(self) -> float:
        """`init_strength`, or how much a start is noised where nothing is said."""
        return STRENGTH if self.init_strength is None else self.init_strength

    def start_settings(self) -> dict[str, object]:
        """What the answer says of the start, if it is not the usual one."""
        return {} if self.init == "noise" else {"init": self.init, "init_strength": self.strength}

    def parts_of_others(self) -> list[tuple[str, str, dict[str, object]]]:
        start = [("init", WARP, self.of_start("upper"))] if self.init == WARP and not self.mask_only else []
        return [*super().parts_of_others(), *start]

    def of_start(self, category: str) -> dict[str, object]:
        """The body of the pass that warps a garment of this category."""
        layer = Layer.model_validate({"garment": "given", "category": category})
        size = {"width": getattr(self, "width", None), "height": getattr(self, "height", None)}
        return {**self.of_layer(layer), **size, "repaint": False}
