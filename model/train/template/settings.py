"""What the training of the template engine's networks can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from model.train.settings import LoopSettings, OptionalFloat, OptionalPath
from model.weights.pack import DEMO


class TemplateTraining(LoopSettings):
    """One attribute per setting. The defaults are those the built-in weights are trained with."""

    what: Literal["places", "outfits"] = Field(
        "places", description="Which network; `outfits` needs the other one in `out`."
    )
    data: Path = Field(description="Folder where made-up people are kept; those it lacks are made first.")
    start: OptionalPath = Field(None, description="MODEL_DIR whose place network is trained on; none: a new one.")
    labels: Path = Field(DEMO, description="Weights whose label networks are asked about every photo.")
    people: PositiveInt = Field(3000, description="How many learned from, each in five photos painted twice.")
    people_seed: NonNegativeInt = Field(0, description="The number of the first of them.")
    unseen: PositiveInt = Field(24, description="People the error is measured on, never learned from.")
    size: PositiveInt = Field(128, multiple_of=32, description="Pixels of a photo's side.")

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
