"""What the training of the variant `tps` can be told. Defaults are those that Vesaki describes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from model.train.settings import OptionalInt, OptionalPath, Paths, ValidatedSettings

SplineStage = Literal["matching", "painting", "joint"]
_SHARES: Mapping[SplineStage, float] = {"matching": 0.3, "painting": 0.6, "joint": 0.1}  # of all steps or minutes


class SplineTraining(ValidatedSettings):
    """One attribute per setting."""

    what: Literal["spline"] = Field("spline", description="Which network.")
    variant: Literal["tps"] = Field("tps", description="Of the warping try-on.")
    stage: Literal["all", "matching", "painting", "joint"] = Field(
        "all",
        description="Matching and segmentation; painting, with those as they are; all three together, against a "
        "discriminator. A stage goes on from what `out` has of the one before.",
    )
    data: Paths = Field(
        min_length=1,
        description="Folders, comma-separated: data sets of pairs (VITON-HD, DressCode, Vesaki), or one where made-up "
        "people are kept, and those it lacks made first.",
    )
    people: PositiveInt = Field(2_000, description="How many made-up people are learned from.")
    people_seed: NonNegativeInt = Field(17, description="Which people: others for another number.")
    processes: PositiveInt = Field(2, description="That make people side by side.")
    unseen: PositiveInt = Field(50, description="People it is measured on, never learned from.")
    width: PositiveInt = Field(96, multiple_of=16, description="Pixels that are painted, also when serving.")
    height: PositiveInt = Field(128, multiple_of=16, description="Pixels, likewise.")
    channels: PositiveInt = Field(64, description="Of the first layers; 64 are 54 million parameters in all.")
    same_garment: float = Field(0.2, ge=0, le=1, description="Share of people who already wear the garment.")
    varied: float = Field(1.0, ge=0, le=1, description="Share of samples whose photo, garment or labels are varied.")

    max_steps: OptionalInt = Field(200_000, description="Optimiser steps of all stages together.")
    batch_size: PositiveInt = Field(4, description="Samples in a forward of one process.")
    learning_rate: PositiveFloat = 1e-4
    joint_learning_rate: PositiveFloat = Field(1e-5, description="Of the last stage.")
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    warmup_steps: NonNegativeInt = 500
    weight_decay: NonNegativeFloat = 1e-4
    workers: PositiveInt = Field(1, description="Threads that read batches ahead.")

    vgg: OptionalPath = Field(None, description="torchvision's VGG-19 weights; without them nothing is perceptual.")
    cloth_loss: NonNegativeFloat = Field(1.0, description="Weight of the warped garment's colours.")
    cover_loss: NonNegativeFloat = Field(1.0, description="Weight of its outline, and of where it is shown.")
    smooth_loss: NonNegativeFloat = Field(0.1, description="Weight of how the spline's points bend.")
    grid_loss: NonNegativeFloat = Field(0.0, description="Weight of how unevenly its grid lies; CP-VTON+ has 40.")
    labels_loss: NonNegativeFloat = Field(10.0, description="Weight of the segmentation's cross-entropy.")
    result_loss: NonNegativeFloat = Field(1.0, description="Weight of the result's errors.")
    perceptual_loss: NonNegativeFloat = Field(1.0, description="Weight of VGG's features' errors.")
    style_loss: NonNegativeFloat = Field(100.0, description="Weight of the errors of their Gram matrices.")
    adversarial_loss: NonNegativeFloat = Field(0.01, description="Weight of the discriminator, in the last stage.")

    @property
    def stages(self) -> tuple[Self, ...]:
        """The settings of each stage."""
        if self.stage != "all":
            return (self,)
        return tuple(self._of(stage, share) for stage, share in _SHARES.items())

    def _of(self, stage: SplineStage, share: float) -> Self:
        steps = None if self.max_steps is None else max(1, round(self.max_steps * share))
        minutes = None if self.max_minutes is None else self.max_minutes * share
        rate = self.joint_learning_rate if stage == "joint" else self.learning_rate
        return self.model_copy(
            update={"stage": stage, "max_steps": steps, "max_minutes": minutes, "learning_rate": rate}
        )

    @property
    def checkpoint_folder(self) -> Path:
        """Each stage has its own."""
        return super().checkpoint_folder / self.stage

    @property
    def log_folder(self) -> Path:
        return super().log_folder / self.stage
