"""Everything a training can be told. The same names are `--option`s and SageMaker hyperparameters."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from model.engines.catvton.request import Variant
from model.tryon.request import Side
from model.weights.pack import DEMO


def _network_config(value: object) -> object:
    """A diffusers config: JSON, or the name of a file that holds it."""
    if not isinstance(value, str):
        return value
    try:
        config = json.loads(value if value.lstrip().startswith("{") else Path(value).read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"neither JSON nor a JSON file: {error}") from error
    return config


def _paths(value: object) -> object:
    return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


def _or_off(value: object) -> object:
    return None if value in ("", "none", "off") else value


def _weights(value: object) -> object:
    return DEMO if value == "demo" else value


NetworkConfig = Annotated[dict[str, object] | None, BeforeValidator(_network_config), BeforeValidator(_or_off)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_paths)]
OptionalPath = Annotated[Path | None, BeforeValidator(_or_off)]
Weights = Annotated[Path | None, BeforeValidator(_weights), BeforeValidator(_or_off)]
OptionalFloat = Annotated[PositiveFloat | None, BeforeValidator(_or_off)]
OptionalInt = Annotated[PositiveInt | None, BeforeValidator(_or_off)]


class LoopSettings(BaseModel):
    """What the loop itself asks, whatever it trains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str = Field(description="Which network.")
    workers: PositiveInt = Field(2, description="Threads that read batches ahead.")
    out: Path = Field(description="MODEL_DIR to be written: what is there of other networks stays.")
    checkpoints: OptionalPath = Field(None, description="Folder to stop and continue in. Default: beside `out`.")
    resume: bool = Field(True, description="Continue from the newest checkpoint, if there is one.")
    checkpoint_steps: PositiveInt = Field(1000, description="Steps between checkpoints.")
    keep: PositiveInt = Field(2, description="Checkpoints kept.")
    logs: OptionalPath = Field(None, description="Folder for TensorBoard and metrics.jsonl. Default: beside `out`.")
    log_steps: PositiveInt = Field(50, description="Steps between log lines.")
    picture_steps: NonNegativeInt = Field(1000, description="Steps between sheets of sample pictures; 0: none.")
    pictures: PositiveInt = Field(4, description="Samples on a sheet.")

    # How long and how fast
    max_steps: OptionalInt = Field(None, description="Optimiser steps in all.")
    max_minutes: OptionalFloat = Field(
        None, description="Time in all, over all continuations. At least one of the two."
    )
    batch_size: PositiveInt = Field(16, description="Samples in a forward of one process.")
    accumulate: PositiveInt = Field(1, description="Forwards per optimiser step.")
    learning_rate: PositiveFloat = Field(1e-5, description="Of AdamW, after the warm-up.")
    schedule: Literal["constant", "linear", "cosine"] = Field("constant", description="Linear, cosine: down to 0.")
    warmup_steps: NonNegativeInt = Field(0, description="Steps in which the learning rate rises from 0.")
    weight_decay: NonNegativeFloat = Field(0.01, description="Of AdamW.")
    beta2: float = Field(0.999, gt=0, lt=1, description="AdamW's memory of squared gradients.")
    clip_norm: OptionalFloat = Field(1.0, description="Largest norm of the gradient; none: any.")
    ema: float = Field(0.0, ge=0, lt=1, description="Decay of the averaged weights that are written; 0: the last ones.")
    mixed_precision: Literal["no", "fp16", "bf16"] = Field(
        "no", description="What forwards compute in; weights stay float32."
    )
    device: Literal["auto", "cpu"] = Field("auto", description="The GPU, if there is one, or the CPU in any case.")
    seed: NonNegativeInt = Field(0, description="Another seed, other noise and another order.")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.max_steps is None and self.max_minutes is None:
            raise ValueError("give 'max_steps' or 'max_minutes'")
        return self

    @property
    def stages(self) -> tuple[Self, ...]:
        """The trainings that follow one another: mostly just this one."""
        return (self,)

    @property
    def checkpoint_folder(self) -> Path:
        return self.checkpoints or self.out.with_name(f"{self.out.name}-checkpoints")

    @property
    def log_folder(self) -> Path:
        return self.logs or self.out.with_name(f"{self.out.name}-logs")


Goal = Literal["ssim", "psnr", "colour_error"]


class ValidatedSettings(LoopSettings):
    """Of a training that is measured on held-out examples as it goes, and keeps its best weights."""

    validation_steps: NonNegativeInt = Field(
        1000, description="Steps between measurements on people never learned from; 0: none."
    )
    best_by: Goal = Field("ssim", description="By which of them the weights in the checkpoints' `best` are the best.")
    write_best: bool = Field(False, description="Write the best weights in the end instead of the last ones.")


class Training(LoopSettings):
    """One attribute per setting. Defaults are the published fine-tuning's (arXiv 2407.15886) where it says anything."""

    # What is trained
    what: Literal["autoencoder", "tryon"] = Field("tryon", description="Which network.")
    variant: Variant = Field("mask", description="`mask`, or `maskfree`: from a photo in another garment, unmasked.")
    trainable: Literal["attn1", "all"] = Field("attn1", description="Self-attention only, as published, or all.")
    start: Weights = Field(
        None,
        description="MODEL_DIR to start from, or demo; a UNet needs its VAE. One with masks can start a mask-free one.",
    )
    unet: NetworkConfig = Field(
        None, description="Config (JSON or a file) of a new UNet, instead of the one in `start`."
    )
    vae: NetworkConfig = Field(
        None, description="Config (JSON or a file) of a new autoencoder, instead of that in `start`."
    )
    prediction_type: Literal["epsilon", "v_prediction"] = Field(
        "epsilon", description="Of a new UNet: what it predicts."
    )

    # With what
    data: Paths = Field(
        min_length=1, description="Folders, comma-separated: VITON-HD, DressCode; for VAE: any pictures."
    )
    split: Literal["train", "test"] = Field("train", description="Which of their halves.")
    width: Side = Field(384, description="Pixels, of what is trained on.")
    height: Side = Field(512, description="Pixels, likewise.")
    latents: OptionalPath = Field(
        None, description="Encode the data set once into this folder (memory-mapped float16) and train from there."
    )

    # Where to
    half: bool = Field(True, description="Write float16 instead of float32.")
    sampling_steps: PositiveInt = Field(20, description="Of sample pictures, and the written pack's default.")
    guidance: NonNegativeFloat = Field(2.5, description="Of sample pictures, and the written pack's default.")
    eta: float = Field(1.0, ge=0, le=1, description="Of sample pictures, and the written pack's default.")

    # How long and how fast
    gradient_checkpointing: bool = Field(False, description="Less memory for a third more time.")

    # The try-on's loss
    condition_dropout: float = Field(0.1, ge=0, le=1, description="Share of samples whose garment is hidden.")
    dream: Annotated[float | None, BeforeValidator(_or_off)] = Field(
        10.0, ge=0, description="DREAM's detail parameter; inf or none: off. It costs one more forward."
    )
    min_snr: OptionalFloat = Field(None, description="Gamma of min-SNR weights (arXiv 2303.09556); none: off.")
    loss_outside: NonNegativeFloat = Field(1.0, description="Weight outside the mask and of the garment, 1 inside.")
    timestep_power: PositiveFloat = Field(1.0, description="Above 1: noisier steps more often. 1: all equally.")

    # The autoencoder
    linear_start: bool = Field(False, description="Start a new one as the best linear code of 4 x 4 patches.")
    kl: NonNegativeFloat = Field(1e-6, description="Weight of the latents' divergence from a standard normal.")
    mae: NonNegativeFloat = Field(1.0, description="Weight of absolute errors.")
    mse: NonNegativeFloat = Field(0.0, description="Weight of squared errors.")
    edges: NonNegativeFloat = Field(0.0, description="Weight of the errors of horizontal and vertical differences.")

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if self.what == "tryon" and self.start is None:
            raise ValueError("'tryon' needs 'start': the MODEL_DIR its autoencoder is in")
        if self.what == "tryon" and self.unet is not None and self.trainable != "all":
            raise ValueError("a new 'unet' needs 'trainable' all")
        if self.what == "autoencoder" and self.start is None and self.vae is None:
            raise ValueError("'autoencoder' needs 'start' or a config in 'vae'")
        if self.what == "tryon" and self.vae is not None:
            raise ValueError("'vae' is trained by 'autoencoder'")
        return self

    @property
    def dreams(self) -> bool:
        """Whether DREAM is on."""
        return self.dream is not None and math.isfinite(self.dream)
