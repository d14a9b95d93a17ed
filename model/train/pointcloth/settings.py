"""What the training of a draping network can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from model.train.settings import LoopSettings, OptionalFloat


def _widths(value: object) -> object:
    return tuple(int(part) for part in value.split(",")) if isinstance(value, str) else value


Widths = Annotated[tuple[PositiveInt, ...], BeforeValidator(_widths)]


class DrapeTraining(LoopSettings):
    """One attribute per setting. The defaults are those the built-in weights are trained with."""

    what: Literal["drape"] = Field("drape", description="Which network.")
    data: Path = Field(description="Folder where clouds of made-up people are kept; those it lacks are made first.")
    outfits: PositiveInt = Field(400, description="How many learned from, each with a code of its own.")
    bodies: PositiveInt = Field(8, description="Bodies in poses that each outfit is seen on.")
    points: PositiveInt = Field(512, description="Of a body in a forward: from half as many to twice as many.")

    width: PositiveInt = Field(128, description="Channels of a point.")
    encoder: Widths = Field((64, 128, 128), description="Widths from code to style.")
    features: Widths = Field((16, 24, 32), min_length=3, max_length=3, description="Channels of a block's lattices.")
    flat: Widths = Field((32, 16, 8), min_length=3, max_length=3, description="Cells a side of a block's 2D lattice.")
    spatial: Widths = Field((12, 8, 4), min_length=3, max_length=3, description="The same of its 3D lattice.")

    smoothness: NonNegativeFloat = Field(0.25, description="What neighbours that move apart cost; 0: nothing.")
    batch_size: PositiveInt = Field(8, description="Clouds in a forward of one process.")
    learning_rate: PositiveFloat = Field(2e-3, description="Of AdamW, after the warm-up.")
    code_rate: PositiveFloat = Field(10.0, description="How many times faster codes learn.")
    schedule: Literal["constant", "linear", "cosine"] = Field("cosine", description="Linear, cosine: down to 0.")
    warmup_steps: int = Field(100, ge=0, description="Steps in which the learning rate rises from 0.")
    beta2: float = Field(0.99, gt=0, lt=1, description="AdamW's memory of squared gradients.")
    clip_norm: OptionalFloat = Field(1.0, description="Largest norm of the gradient; none: any.")
    ema: float = Field(0.998, ge=0, lt=1, description="Decay of the averaged weights that are written; 0: the last.")
    workers: PositiveInt = Field(1, description="Threads that read batches ahead.")
