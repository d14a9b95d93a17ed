"""What every try-on engine takes; each adds its own. Imported by the front process, so: pydantic, never torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from model import request
from model.codes import Codes
from model.request import ImageRef, listed
from model.tryon.codes import TryOnCode

Side = Annotated[int, Field(ge=64, le=2048, multiple_of=8)]
Category = Literal["upper", "lower", "overall", "inner", "outer"]
AskedCategory = Literal["upper", "lower", "overall", "inner", "outer", "auto"]

# The backend of an earlier container sends these names (and stacks its garments on black).
_OMOIB_NAMES = {
    "person_image_url": "person",
    "mask_image_url": "mask",
    "cloth_type": "category",
}
_OMOIB_GARMENTS = {"upper_cloth_url": "upper", "lower_cloth_url": "lower"}
_OMOIB_NAME = r"^[A-Za-z0-9_-]{1,64}$"  # becomes part of a key
OMOIB_PICTURES = frozenset({"person_image_url", "mask_image_url", *_OMOIB_GARMENTS})


class Garments(BaseModel):
    """An upper and a lower garment, tried on in one pass."""

    model_config = ConfigDict(extra="forbid")

    upper: ImageRef
    lower: ImageRef


def named(category: AskedCategory) -> Category:
    """A category after `auto` was replaced by what the garment's picture shows."""
    if category == "auto":
        raise ValueError("the category was not looked for")
    return category


class Layer(BaseModel):
    """One garment of an outfit."""

    model_config = ConfigDict(extra="forbid")

    garment: ImageRef
    category: AskedCategory
    engine: str | None = Field(
        None, description="Who puts it on, with its own defaults; absent: the request's `engine`."
    )


class PictureOutput(request.Output):
    """Where resulting pictures go and how they are written."""

    max_side: int | None = Field(
        None, ge=64, le=16_384, description="Pixels of a result's longer side at most; default: as many as the photo's."
    )
    keep_alpha: bool = Field(
        False, description="What is transparent of the person stays so, in PNG and WebP; else it is white."
    )


class PersonCrop(BaseModel):
    """Around the person."""

    model_config = ConfigDict(extra="forbid")

    person: float = Field(ge=0, le=2, description="The margin, in widths and heights of the person's box.")


Crop = Literal["auto", "centre"] | PersonCrop


class TryOnRequest(request.Request):
    """Dress a person: photo, garment and perhaps a mask in, the photo wearing the garment out."""

    telling_fields: ClassVar[frozenset[str]] = frozenset(
        {"person", "garment", "garments", "layers", *_OMOIB_NAMES, *_OMOIB_GARMENTS}
    )

    media_types: ClassVar[tuple[str, ...]] = ("image/png", "image/jpeg", "image/webp")
    codes: ClassVar[Codes] = (TryOnCode,)

    type: Literal["tryon"] = "tryon"
    person: ImageRef
    garment: ImageRef | None = None
    garments: Garments | None = Field(None, description="Instead of `garment`: upper and lower, stacked.")
    garments_canvas: Literal["white", "black"] = Field(
        "white", description="What stands beside the narrower of two stacked garments."
    )
    layers: list[Layer] | None = Field(
        None,
        min_length=2,
        max_length=4,
        description="Instead of `garment`: an outfit, put on in this order. Each pass dresses the result of the one "
        "before, with a mask of its own and the same seed.",
    )
    mask: ImageRef | None = Field(
        None, description="Where to paint. Same aspect as the person, within 1 %. Absent: found automatically."
    )
    mask_polarity: Literal["white_repaints", "black_repaints"] = Field(
        "white_repaints", description="What the colours of a given `mask` mean."
    )
    category: AskedCategory = Field(
        "upper",
        validation_alias=AliasChoices("category", "cloth_type"),
        description="What kind of garment it is: decides the automatic mask. With a given `mask`, recorded only. "
        "`auto`: as its picture shows it, worn or flat; the answer says what was taken.",
    )
    masker: Literal["published", "pose", "parser"] | None = Field(
        None, description="Who finds the mask. Default: the first whose files are there, in the engine's order."
    )
    mask_grow: float = Field(
        0.0,
        ge=-0.1,
        le=0.1,
        description="How far an automatic mask grows, as a share of the photo's height; it shrinks below 0.",
    )
    mask_shape: Literal["contour", "hull", "box"] = Field(
        "contour", description="Of an automatic mask: as found, the convex area around it, or an upright rectangle."
    )
    keep: Annotated[list[Literal["face", "hands", "hair", "shoes"]], BeforeValidator(listed)] = Field(
        default_factory=list, max_length=4, description="What an automatic mask leaves out in any case."
    )
    samples: int = Field(1, ge=1, le=4, description="Sample i equals a request with seed + i.")
    crop: Crop = Field(
        "auto",
        description="Which part of the photo is painted, of the aspect of width : height. `auto`: the centred one if "
        "the mask and a person of good size are in it, else one around them; `centre`: the centred one, as published; "
        "or around the person with a margin. Without a mask it is always the centred one.",
    )
    repaint: bool = Field(
        True,
        description="Paste the result back into the photo at its own size, all else untouched. "
        "False: as the model painted it, at the engine's size.",
    )

    output: PictureOutput = Field(default_factory=PictureOutput)
    return_mask: bool = Field(False, description="Also the mask that was used, `mask.png`, white where it painted.")
    mask_only: bool = Field(False, description="Only the automatic mask for `category`: give no garment and no mask.")
    return_steps: bool = Field(False, description="With `layers`, also the photo after each pass, `step_1.png`, ...")
    user_id: str | None = Field(
        None,
        pattern=_OMOIB_NAME,
        validation_alias=AliasChoices("user_id", "userId", "username"),
        description="With `timestamp`: the result is a JPEG, also stored where Omoib's backend looks for it.",
    )
    timestamp: str | None = Field(None, pattern=_OMOIB_NAME)

    @model_validator(mode="before")
    @classmethod
    def _accept_omoib_names(cls, body: object) -> object:
        if not isinstance(body, dict) or not (_OMOIB_NAMES | _OMOIB_GARMENTS).keys() & body.keys() - {"cloth_type"}:
            return body
        renamed: dict[str | None, object] = {
            _OMOIB_NAMES.get(name, name): value for name, value in body.items() if name not in _OMOIB_GARMENTS
        }
        garments = {ours: body[theirs] for theirs, ours in _OMOIB_GARMENTS.items() if theirs in body}
        given: dict[str | None, object] = {"garments": garments, "garments_canvas": "black"} if garments else {}
        return {"crop": "centre", **given, **renamed}

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        clothes = [given for given in (self.garment, self.garments, self.layers) if given is not None]
        if self.mask_only and (clothes or self.mask):
            raise ValueError("'mask_only' finds a mask: give no garment and no mask")
        if self.mask_only and self.category == "auto":
            raise ValueError("category 'auto' is read from a garment, and 'mask_only' has none: name it")
        if not self.mask_only and len(clothes) != 1:
            raise ValueError("give either 'garment' or 'garments' or 'layers'")
        if self.layers and self.mask:
            raise ValueError("each of the 'layers' gets a mask of its own: give no 'mask'")
        of_automatic_masks = {
            "masker": self.masker is not None,
            "mask_grow": self.mask_grow != 0,
            "mask_shape": self.mask_shape != "contour",
            "keep": bool(self.keep),
        }
        for name, given in of_automatic_masks.items():
            if self.mask and given:
                raise ValueError(f"'{name}' is for automatic masks: give no 'mask'")
        if self.return_steps and not self.layers:
            raise ValueError("'return_steps' is for 'layers'")
        return self

    @model_validator(mode="after")
    def _omoibs_backend_reads_jpeg(self) -> Self:
        if (self.user_id is None) != (self.timestamp is None):
            raise ValueError("'userId' and 'timestamp' go together")
        if self.user_id is not None and "format" not in self.output.model_fields_set:
            self.output.format = "jpeg"
        if self.user_id is not None and "crop" not in self.model_fields_set:
            self.crop = "centre"
        if self.user_id is not None and self.output.format != "jpeg":
            raise ValueError("with 'userId', 'output.format' can only be jpeg")
        return self

    @model_validator(mode="after")
    def _alpha_has_somewhere_to_go(self) -> Self:
        if self.output.keep_alpha and self.output.format == "jpeg":
            raise ValueError("'output.keep_alpha' is for png and webp")
        if self.output.keep_alpha and not self.repaint:
            raise ValueError("'output.keep_alpha' is for results in the photo: not with 'repaint' false")
        return self

    def inputs(self) -> Mapping[str, str]:
        pictures = {"person": self.person, "mask": self.mask, "garment": self.garment}
        if self.garments is not None:
            pictures |= {"garments.upper": self.garments.upper, "garments.lower": self.garments.lower}
        pictures |= {f"layers.{i}.garment": layer.garment for i, layer in enumerate(self.layers or [])}
        return {name: reference for name, reference in pictures.items() if reference is not None}

    def may_paint_nothing(self) -> bool:
        """Whether a mask that is black everywhere is meant, and no slip."""
        return False

    def own_passes(self) -> int:
        """How many garments its own engine puts on."""
        return sum(layer.engine in (None, self.engine) for layer in self.layers) if self.layers else 1

    def parts_of_others(self) -> list[tuple[str, str, dict[str, object]]]:
        return [
            (f"layers.{i}", layer.engine, self.of_layer(layer))
            for i, layer in enumerate(self.layers or [])
            if layer.engine not in (None, self.engine)
        ]

    def of_layer(self, layer: Layer) -> dict[str, object]:
        """The body of the pass that puts on `layer`, for another engine than this request's."""
        crop = self.model_dump(include={"crop"})
        return {"person": "before", "garment": "given", "category": layer.category, "seed": self.seed, **crop}
