"""What the training of UP2You's networks can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from model.train.settings import LoopSettings
from model.weights.pack import DEMO


class UP2YouTraining(LoopSettings):
    """One attribute per setting. Defaults are the published ones where those who trained it say anything."""

    what: Literal["shape", "aggregator"] = Field("shape", description="Which network.")
    data: Path = Field(description="Folder where made-up people are kept; those it lacks are made first.")
    start: Path = Field(
        DEMO,
        description="MODEL_DIR with DINOv2 and the body. Its network is trained on, else a new one of published size.",
    )
    people: PositiveInt = Field(3000, description="How many learned from, each in five photos painted twice.")
    people_seed: NonNegativeInt = Field(0, description="The number of the first of them.")
    unseen: PositiveInt = Field(24, description="People the error is measured on, never learned from.")
    size: PositiveInt = Field(128, multiple_of=32, description="Pixels of a photo's side.")
    pose_size: PositiveInt = Field(512, multiple_of=16, description="Pixels to which the aggregator brings poses.")

    batch_size: PositiveInt = Field(8, description="People in a forward of one process.")
    learning_rate: PositiveFloat = Field(5e-5, description="Of AdamW, after the warm-up.")
    schedule: Literal["constant", "linear", "cosine"] = Field("constant", description="Linear, cosine: down to 0.")
    warmup_steps: NonNegativeInt = Field(3000, description="Steps in which the learning rate rises from 0.")
