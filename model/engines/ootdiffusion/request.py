"""What OOTDiffusion takes beside what every try-on does. Imported by the front process, so: pydantic, never torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, WithJsonSchema, model_validator

from model.codes import Codes
from model.engines.ootdiffusion.codes import OOTDiffusionCode
from model.tryon.codes import TryOnCode
from model.tryon.request import AskedCategory, Category, Side
from model.tryon.sampling_request import SampledTryOnRequest

Variant = Literal["hd", "dc"]

_UPPER: frozenset[AskedCategory] = frozenset(("upper", "inner", "outer"))
_SETTINGS = {"variant", "width", "height", "steps", "guidance"}

# TFLOP at 768 x 1024 with the published widths, counted: of a step and of the garment pass, of one row each, a part
# linear in the pixels and the attention products, quadratic in them; then an encoding and a decoding.
_REFERENCE_PIXELS = 768 * 1024
_STEP, _GARMENT = (2.02, 2.20), (2.05, 0.91)
_ENCODING, _DECODING = 3.56, 7.75


def default_variant(category: Category, loaded: Sequence[Variant]) -> Variant:
    """The authors' choice, as far as its weights are there."""
    return "hd" if category in _UPPER and "hd" in loaded else "dc"


def _ours(category: object) -> object:
    return "overall" if category == "dress" else category


_WORDS = {"type": "string", "enum": ["upper", "lower", "dress", "overall", "inner", "outer", "auto"]}


class Request(SampledTryOnRequest):
    """Dress a person: a UNet paints the photo, and its self-attention sees what another UNet saw in the garment."""

    heavy_stages: ClassVar[tuple[str, ...]] = ("denoise",)
    codes: ClassVar[Codes] = (TryOnCode, OOTDiffusionCode)

    engine: Literal["ootdiffusion"] = "ootdiffusion"
    variant: Variant | None = Field(
        None,
        description="`hd` for upper garments, seen close; `dc` for all, seen in full. "
        "Default: `hd` for `upper` if its weights are there, else `dc`.",
    )
    category: Annotated[AskedCategory, BeforeValidator(_ours), WithJsonSchema(_WORDS)] = Field(
        "upper",
        validation_alias=AliasChoices("category", "cloth_type"),
        description="What kind of garment it is; told to the network, and decides the automatic mask. "
        "`dress` is `overall`; `inner` and `outer` count as `upper`; `auto`: as its picture shows it.",
    )
    width: Side = Field(768, description="Of what is painted, pixels.")
    height: Side = Field(1024, description="Of what is painted, pixels.")
    steps: int = Field(20, ge=1, le=200, description="Of denoising. With one step the mask is filled with noise.")
    guidance: float = Field(
        2.0, ge=0, le=20, description="How far the garment draws; at 1 or below, guidance is off and a step costs half."
    )
    reference: bool = Field(
        False,
        description="Treat pictures as the published script does: stretched to width x height, the whole photo is "
        "painted, and nothing is pasted back.",
    )

    @model_validator(mode="after")
    def _hd_knows_upper_garments(self) -> Self:
        if self.variant == "hd" and not _UPPER.issuperset(self.own_categories()):
            raise ValueError("variant 'hd' is for upper garments")
        return self

    @model_validator(mode="after")
    def _the_reference_pastes_nothing(self) -> Self:
        if not self.reference:
            return self
        if self.repaint and "repaint" in self.model_fields_set:
            raise ValueError("'reference' pastes nothing back: not with 'repaint' true")
        if self.layers:
            raise ValueError("'reference' is for one 'garment'")
        if self.init != "noise":
            raise ValueError("'reference' starts in noise: not with 'init' warp")
        self.repaint = False
        return self

    def may_paint_nothing(self) -> bool:
        return self.reference  # the published script paints the whole photo, whatever the mask

    def settings(self) -> dict[str, object]:
        return {} if self.mask_only else self.model_dump(include=_SETTINGS) | self.start_settings()

    def own_categories(self) -> list[AskedCategory]:
        """What its own engine puts on."""
        if self.layers is None:
            return [self.category]
        return [layer.category for layer in self.layers if layer.engine in (None, self.engine)]

    def guided(self) -> bool:
        """Whether the network also says what it would paint without the garment. At 1 that would change nothing."""
        return self.guidance > 1

    def work(self) -> float:
        """TFLOP of the published sizes; tiny networks have the same proportions. A mask alone needs no device."""
        if self.mask_only:
            return 0.0
        share = self.width * self.height / _REFERENCE_PIXELS
        rows = 2 if self.guided() else 1
        step, garment = (rows * (linear * share + quadratic * share**2) for linear, quadratic in (_STEP, _GARMENT))
        each = (self.steps - self.first_step(self.steps)) * step + _DECODING * share
        return self.own_passes() * (3 * _ENCODING * share + garment + self.samples * each)
