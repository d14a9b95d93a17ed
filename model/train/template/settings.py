"""What the training of the template engine's networks can be told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from model.train.settings import LoopSettings, OptionalFloat, OptionalInt, OptionalPath
from model.weights.pack import DEMO

# What a plan sets; whatever is given beside it wins. Two processor cores, six hours; one large GPU, an hour or two.
PLANS: Mapping[str, Mapping[str, object]] = {
    "cpu": {"people": 3_000, "max_steps": 40_000, "batch_size": 8},
    "gpu": {"people": 12_000, "max_steps": 60_000, "batch_size": 64, "learning_rate": 4e-3},
}
# Of the outfit network, which is small, and whose samples are few; whatever is given to it alone wins.
OUTFITS: Mapping[str, object] = {
    "max_steps": 600,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "weight_decay": 0.05,
    "ema": 0.0,
    "picture_steps": 0,
}


class TemplateTraining(LoopSettings):
    """One attribute per setting. The defaults are those the built-in weights are trained with."""

    what: Literal["pack", "places", "outfits"] = Field(
        "pack",
        description="Both networks, and how good they are; or one: `outfits` needs the other in `out`.",
    )
    plan: Literal["cpu", "gpu"] = Field("cpu", description="How many people and how long, unless told.")
    data: Path = Field(description="Folder where made-up people are kept; those it lacks are made first.")
    start: OptionalPath = Field(None, description="MODEL_DIR whose place network is trained on; none: a new one.")
    labels: Path = Field(DEMO, description="Weights whose label networks are asked about every photo.")
    people: PositiveInt = Field(3000, description="How many learned from, each in five photos painted twice.")
    people_seed: NonNegativeInt = Field(0, description="The number of the first of them.")
    unseen: PositiveInt = Field(24, description="People the error is measured on, never learned from.")
    size: PositiveInt = Field(128, multiple_of=32, description="Pixels of a photo's side.")

    max_steps: OptionalInt = Field(40_000, description="Optimiser steps in all, of a pack those of its place network.")
    outfit_steps: PositiveInt = Field(600, description="Optimiser steps of a pack's outfit network.")
    batch_size: PositiveInt = Field(8, description="Photos in a forward of one process.")
    learning_rate: PositiveFloat = Field(2.5e-3, description="Of AdamW, after the warm-up.")
    schedule: Literal["constant", "linear", "cosine"] = Field("cosine", description="Linear, cosine: down to 0.")
    warmup_steps: NonNegativeInt = Field(60, description="Steps in which the learning rate rises from 0.")
    beta2: float = Field(0.99, gt=0, lt=1, description="AdamW's memory of squared gradients.")
    clip_norm: OptionalFloat = Field(10.0, description="Largest norm of the gradient; none: any.")
    ema: float = Field(
        0.998, ge=0, lt=1, description="Decay of the averaged weights that are written; 0: the last ones."
    )
    workers: PositiveInt = Field(1, description="Threads that read batches ahead.")

    zoom: NonNegativeFloat = Field(0.2, description="Up to how much smaller a person is seen than photos are framed.")
    light: NonNegativeFloat = Field(0.15, description="Up to how much each channel is brightened or darkened.")

    @model_validator(mode="before")
    @classmethod
    def _as_planned(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        planned = PLANS.get(given.get("plan", "cpu"), {})
        return {**planned, **(OUTFITS if given.get("what") == "outfits" else {}), **given}

    @property
    def stages(self) -> tuple[Self, ...]:
        """Of a pack, the trainings of its networks."""
        if self.what != "pack":
            return (self,)
        outfits = {**OUTFITS, "max_steps": self.outfit_steps, "max_minutes": None}
        return self._stage("places"), self._stage("outfits").model_copy(update=outfits)

    def _stage(self, what: Literal["places", "outfits"]) -> Self:
        folders = {"checkpoints": self.checkpoint_folder / what, "logs": self.log_folder / what}
        return self.model_copy(update={"what": what, **folders})
