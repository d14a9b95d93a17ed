"""The try-on request. Imported by the front process, so: pydantic, never torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from model import request
from model.request import ImageRef

Size = Annotated[int, Field(ge=64, le=2048, multiple_of=8)]

# The backend of an earlier container sends these names (and stacks its garments on black).
_OMOIB_NAMES = {
    "person_image_url": "person",
    "mask_image_url": "mask",
    "cloth_type": "category",
}
_OMOIB_GARMENTS = {"upper_cloth_url": "upper", "lower_cloth_url": "lower"}
_OMOIB_NAME = r"^[A-Za-z0-9_-]{1,64}$"  # becomes part of a key

# TFLOP of one UNet row at 768 x 1024 with SD 1.5 widths: a part linear in the pixels and the attention
# products, quadratic in them; then both encodings and the decoding, in steps' worth of one row.
_REFERENCE_PIXELS = 768 * 1024
_LINEAR_TFLOP, _QUADRATIC_TFLOP, _VAE_TFLOP = 3.892, 4.410, 14.87


class Garments(BaseModel):
    """An upper and a lower garment, tried on in one pass."""

    model_config = ConfigDict(extra="forbid")

    upper: ImageRef
    lower: ImageRef


class Request(request.Request):
    """Dress a person: photo, garment and mask in, the photo wearing the garment out."""

    telling_fields: ClassVar[frozenset[str]] = frozenset(
        {"person", "garment", "garments", *_OMOIB_NAMES, *_OMOIB_GARMENTS}
    )

    heavy_stage: ClassVar[str] = "denoise"

    type: Literal["tryon"] = "tryon"
    person: ImageRef
    garment: ImageRef | None = None
    garments: Garments | None = Field(None, description="Instead of `garment`: upper and lower, stacked.")
    garments_canvas: Literal["white", "black"] = Field(
        "white", description="What stands beside the narrower of two stacked garments."
    )
    mask: ImageRef = Field(description="Where to paint. Same aspect as the person, within 1 %.")
    mask_polarity: Literal["white_repaints", "black_repaints"] = "white_repaints"
    category: Literal["upper", "lower", "overall", "inner", "outer"] = Field(
        "upper",
        validation_alias=AliasChoices("category", "cloth_type"),
        description="What kind of garment it is. Recorded only: the given `mask` decides where to paint.",
    )

    width: Size = 768
    height: Size = 1024
    steps: int = Field(50, ge=1, le=200)
    guidance: float = Field(2.5, ge=0, le=20, description="At 1 or below, guidance is off and a step costs half.")
    eta: float = Field(1.0, ge=0, le=1, description="1: fresh noise at every step, as published. 0: none.")
    samples: int = Field(1, ge=1, le=4, description="Sample i equals a request with seed + i.")
    repaint: bool = Field(
        True,
        description="Paste the result back into the photo at its own size, all else untouched. "
        "False: width x height, as the model painted it.",
    )

    user_id: str | None = Field(
        None,
        pattern=_OMOIB_NAME,
        validation_alias=AliasChoices("user_id", "userId", "username"),
        description="With `timestamp`: the result is a JPEG, also stored where Omoib's backend looks for it.",
    )
    timestamp: str | None = Field(None, pattern=_OMOIB_NAME)

    @model_validator(mode="before")
    @classmethod
    def _accept_omoib_names(cls, body: Any) -> Any:
        if not isinstance(body, dict) or not (_OMOIB_NAMES | _OMOIB_GARMENTS).keys() & body.keys() - {"cloth_type"}:
            return body
        renamed = {_OMOIB_NAMES.get(name, name): value for name, value in body.items() if name not in _OMOIB_GARMENTS}
        garments = {ours: body[theirs] for theirs, ours in _OMOIB_GARMENTS.items() if theirs in body}
        return {"garments": garments, "garments_canvas": "black", **renamed}

    @model_validator(mode="after")
    def _one_way_to_name_the_garment(self) -> Self:
        if (self.garment is None) == (self.garments is None):
            raise ValueError("give either 'garment' or 'garments'")
        return self

    @model_validator(mode="after")
    def _omoibs_backend_reads_jpeg(self) -> Self:
        if (self.user_id is None) != (self.timestamp is None):
            raise ValueError("'userId' and 'timestamp' go together")
        if self.user_id is not None and "format" not in self.output.model_fields_set:
            self.output.format = "jpeg"
        if self.user_id is not None and self.output.format != "jpeg":
            raise ValueError("with 'userId', 'output.format' can only be jpeg")
        return self

    def inputs(self) -> Mapping[str, str]:
        pictures = {"person": self.person, "mask": self.mask}
        if self.garments is not None:
            return pictures | {"garments.upper": self.garments.upper, "garments.lower": self.garments.lower}
        assert self.garment is not None  # noqa: S101 - the validator above
        return pictures | {"garment": self.garment}

    def without_inputs(self) -> dict[str, Any]:
        body = self.model_dump(mode="json")
        for name in self.inputs():
            *parents, leaf = name.split(".")
            holder = body
            for parent in parents:
                holder = holder[parent]
            holder[leaf] = "fetched"
        return body

    def work(self) -> float:
        """TFLOP of the published sizes; tiny networks have the same proportions."""
        share = self.width * self.height / _REFERENCE_PIXELS
        rows = 2 if self.guidance > 1 else 1
        row = _LINEAR_TFLOP * share + _QUADRATIC_TFLOP * share**2
        return self.samples * (self.steps * rows * row + _VAE_TFLOP * share)
