"""What the training of OOTDiffusion's UNets can be told."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from model.engines.ootdiffusion.request import Variant
from model.train.settings import LoopSettings, Paths, Weights
from model.tryon.request import Side


class OutfittingTraining(LoopSettings):
    """One attribute per setting. Learning rate and dropout are those that are told of the published training."""

    what: Literal["outfitting"] = Field("outfitting", description="Which network.")
    variant: Variant = Field("hd", description="`hd` for upper garments, `dc` for all.")
    trainable: Literal["both", "garment"] = Field(
        "both", description="Both UNets, as published, or only the one that sees the garment."
    )
    start: Weights = Field(None, description="MODEL_DIR to start from, or demo: everything but what is trained stays.")
    data: Paths = Field(min_length=1, description="Folders, comma-separated: VITON-HD, DressCode.")
    split: Literal["train", "test"] = Field("train", description="Which of their halves.")
    width: Side = Field(384, description="Pixels, of what is trained on.")
    height: Side = Field(512, description="Pixels, likewise.")
    garment_dropout: float = Field(0.1, ge=0, le=1, description="Share of samples whose garment is nothing.")
    half: bool = Field(True, description="Write float16 instead of float32.")
    sampling_steps: PositiveInt = Field(20, description="Of sample pictures, and the written pack's default.")
    guidance: NonNegativeFloat = Field(2.0, description="Of sample pictures, and the written pack's default.")
    learning_rate: PositiveFloat = Field(5e-5, description="Of AdamW, after the warm-up.")

    @model_validator(mode="after")
    def _starts_somewhere(self) -> Self:
        if self.start is None:
            raise ValueError("'start' is needed: the MODEL_DIR that its networks are in")
        return self
