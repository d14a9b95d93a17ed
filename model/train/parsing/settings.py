"""What the training of the networks that label people and find their joints can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from model.train.settings import LoopSettings


class PerceptionTraining(LoopSettings):
    """One attribute per setting. The defaults are those the built-in networks are trained with."""

    what: Literal["parsing", "pose"] = Field("parsing", description="Which network.")
    data: Path = Field(description="Folder where made-up people are kept; those it lacks are made first.")
    people: PositiveInt = Field(4000, description="How many learned from, each painted twice.")
    people_seed: NonNegativeInt = Field(11, description="Which people: others for another number.")
    processes: PositiveInt = Field(2, description="That make people side by side.")
    unseen: PositiveInt = Field(100, description="ParsedPeople the errors are measured on, never learned from.")

    batch_size: PositiveInt = Field(16, description="Samples in a forward of one process.")
    learning_rate: PositiveFloat = Field(3e-3, description="Of AdamW, after the warm-up.")
    schedule: Literal["constant", "linear", "cosine"] = Field("cosine", description="Linear, cosine: down to 0.")
    warmup_steps: NonNegativeInt = Field(100, description="Steps in which the learning rate rises from 0.")
    weight_decay: NonNegativeFloat = Field(0.02, description="Of AdamW.")
    ema: float = Field(
        0.998, ge=0, lt=1, description="Decay of the averaged weights that are written; 0: the last ones."
    )
    workers: PositiveInt = Field(1, description="Threads that read batches ahead.")
    mixed_precision: Literal["no", "fp16", "bf16"] = "bf16"
    checkpoint_steps: PositiveInt = Field(250, description="Steps between checkpoints.")
