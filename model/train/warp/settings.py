"""What the training of the warping try-on can be told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from model.train.settings import OptionalFloat, OptionalInt, ValidatedSettings

ShareField = Field(ge=0, le=1)  # of samples

# What a plan sets; whatever is given beside it wins. Two processor cores, six hours; one large GPU, less than one.
PLANS: Mapping[str, Mapping[str, object]] = {
    "cpu": {"people": 2_000, "max_steps": 75_000, "batch_size": 8},
    "gpu": {"people": 12_000, "max_steps": 60_000, "batch_size": 64, "learning_rate": 4e-3},
}


class WarpTraining(ValidatedSettings):
    """One attribute per setting. The defaults are those the built-in weights are trained with."""

    what: Literal["warp"] = Field("warp", description="Which network.")
    plan: Literal["cpu", "gpu"] = Field("cpu", description="How many people and how long, unless told.")
    data: Path = Field(
        description="A data set of pairs (VITON-HD, DressCode, Vesaki), or where made-up people are kept; those it "
        "lacks are made first."
    )
    people: PositiveInt = Field(2_000, description="How many learned from, each in three outfits painted twice.")
    people_seed: NonNegativeInt = Field(17, description="Which people: others for another number.")
    processes: PositiveInt = Field(2, description="That make people side by side.")
    unseen: PositiveInt = Field(50, description="People the errors are measured on, never learned from.")

    max_steps: OptionalInt = Field(75_000, description="Optimiser steps in all.")
    batch_size: PositiveInt = Field(8, description="Samples in a forward of one process.")
    learning_rate: PositiveFloat = 2.5e-3
    schedule: Literal["constant", "linear", "cosine"] = Field("cosine", description="Linear, cosine: down to 0.")
    warmup_steps: NonNegativeInt = 60
    beta2: float = Field(0.99, gt=0, lt=1, description="AdamW's memory of squared gradients.")
    clip_norm: OptionalFloat = Field(20.0, description="Largest norm of the gradient; none: any.")
    ema: float = Field(
        0.998, ge=0, lt=1, description="Decay of the averaged weights that are written; 0: the last ones."
    )
    workers: PositiveInt = Field(1, description="Threads that read batches ahead.")
    mixed_precision: Literal["no", "fp16", "bf16"] = "bf16"
    checkpoint_steps: PositiveInt = Field(250, description="Steps between checkpoints.")
    picture_steps: NonNegativeInt = Field(1000, description="Steps between sheets of sample pictures; 0: none.")

    same_garment: float = Field(0.0, ge=0, le=1, description="Share of people who already wear the garment.")
    varied: float = Field(1.0, ge=0, le=1, description="Share of samples whose photo, garment or labels are varied.")
    flow_loss: NonNegativeFloat = Field(0.3, description="Weight of the flow's error, in pixels.")
    region_loss: NonNegativeFloat = Field(2.0, description="Weight of the garment's region.")
    cloth_loss: NonNegativeFloat = Field(2.0, description="Weight of the warped garment's colours.")
    result_loss: NonNegativeFloat = Field(2.0, description="Weight of the result's errors; their squares count twice.")

    @model_validator(mode="before")
    @classmethod
    def _as_planned(cls, given: object) -> object:
        return {**PLANS.get(given.get("plan", "cpu"), {}), **given} if isinstance(given, dict) else given
