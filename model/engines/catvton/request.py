"""What CatVTON takes beside what every try-on does. Imported by the front process, so: pydantic, never torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from model.codes import Codes
from model.engines.catvton.codes import CatVTONCode
from model.engines.catvton.presets import PRESETS, PUBLISHED_STEPS, Quality, Solver, preset
from model.tryon.codes import TryOnCode
from model.tryon.request import OMOIB_PICTURES, Side
from model.tryon.sampling_request import SampledTryOnRequest

Variant = Literal["mask", "maskfree"]

_SETTINGS = {"width", "height", "quality", "solver", "steps", "guidance", "eta"}

# TFLOP of one UNet row at 768 x 1024 with SD 1.5 widths: a part linear in the pixels and the attention
# products, quadratic in them; then both encodings and the decoding, in steps' worth of one row.
_REFERENCE_PIXELS = 768 * 1024
_LINEAR_TFLOP, _QUADRATIC_TFLOP, _VAE_TFLOP = 3.892, 4.410, 14.87


class Request(SampledTryOnRequest):
    """Dress a person: photo, garment and perhaps a mask in, the photo wearing the garment out."""

    asking_fields: ClassVar[frozenset[str]] = OMOIB_PICTURES  # that container is CatVTON
    heavy_stages: ClassVar[tuple[str, ...]] = ("denoise",)
    codes: ClassVar[Codes] = (TryOnCode, CatVTONCode)
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {str(name): fields for name, fields in PRESETS.items()}

    engine: Literal["catvton"] = "catvton"
    variant: Variant | None = Field(
        None,
        description="`maskfree` needs no mask and paints the whole picture. "
        "Default: the one whose weights are there; both: `mask`.",
    )
    width: Side = Field(768, description="Of what is painted, pixels.")
    height: Side = Field(1024, description="Of what is painted, pixels.")
    quality: Quality = Field(
        "best",
        description="`best`: sampling as published. `balanced`, `fast`: 20 or 10 steps of `dpmpp` without fresh noise, "
        "but no more steps than the weights' own. Fields given beside it win.",
    )
    solver: Solver = Field("ddim", description="Default: `ddim`, as published; with a `quality` below `best` `dpmpp`.")
    steps: int = Field(PUBLISHED_STEPS, ge=1, le=200, description="Of denoising.")
    guidance: float = Field(2.5, ge=0, le=20, description="At 1 or below, guidance is off and a step costs half.")
    eta: float = Field(
        1.0, ge=0, le=1, description="1: fresh noise at every step, as published. 0: none, as `balanced` and `fast`."
    )
    repaint: bool = Field(
        True,
        description="Paste the result back into the photo at its own size, all else untouched "
        "(`maskfree`: outside the crop to width : height). False: width x height, as the model painted it.",
    )

    @classmethod
    def preset(cls, body: Mapping[str, object], defaults: Mapping[str, Any]) -> Mapping[str, object]:
        return preset(body.get("quality"), defaults.get("steps", PUBLISHED_STEPS))

    def settings(self) -> dict[str, object]:
        return {} if self.mask_only else self.model_dump(include=_SETTINGS) | self.start_settings()

    def work(self) -> float:
        """TFLOP of the published sizes; tiny networks have the same proportions. A mask alone needs no device."""
        if self.mask_only:
            return 0.0
        share = self.width * self.height / _REFERENCE_PIXELS
        rows = 2 if self.guidance > 1 else 1
        steps = self.steps - self.first_step(self.steps)
        row = _LINEAR_TFLOP * share + _QUADRATIC_TFLOP * share**2
        return self.own_passes() * self.samples * (steps * rows * row + _VAE_TFLOP * share)
