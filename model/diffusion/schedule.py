"""How much noise there is at each training timestep, and which timesteps sampling visits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import torch

from model.errors import WeightsError

# Base models carry these numbers under different names; which sampler is used is the engine's choice.
_CLASS_NAMES = ("DDIMScheduler", "EulerAncestralDiscreteScheduler", "PNDMScheduler")

# key: (what the arithmetic below assumes, what a published DDIM file means by leaving it out)
_ONLY_SUPPORTED: dict[str, tuple[object, object]] = {
    "beta_schedule": ("scaled_linear", "linear"),
    "trained_betas": (None, None),
    "clip_sample": (False, True),
    "thresholding": (False, False),
    "rescale_betas_zero_snr": (False, False),
    "variance_type": ("fixed_small", "fixed_small"),
}


PredictionType = Literal["epsilon", "v_prediction"]
Spacing = Literal["leading", "trailing"]
_SPACINGS: tuple[Spacing, ...] = get_args(Spacing)
T = TypeVar("T", bound=str)


class NoiseSchedule:
    """Signal left at each training timestep.

    Args:
        beta_start, beta_end: noise added at the first and the last training timestep.
        train_steps: number of training timesteps.
        steps_offset: the last timestep visited when sampling.
        clean_end: whether the state after the last step counts as free of noise.
        prediction_type: what the network says about noisy latents: their noise, or v = sqrt(a) noise - sqrt(1-a) clean
            with a the share of signal (Salimans and Ho, arXiv 2202.00512).
        spacing: whether sampling visits the early end of every stretch of timesteps, as published ("leading"), or the
            late one, so that it starts where nothing but noise is left ("trailing"; Lin et al., arXiv 2305.08891).
    """

    def __init__(
        self,
        beta_start: float,
        beta_end: float,
        *,
        train_steps: int,
        steps_offset: int,
        clean_end: bool,
        prediction_type: PredictionType = "epsilon",
        spacing: Spacing = "leading",
    ) -> None:
        betas = torch.linspace(beta_start**0.5, beta_end**0.5, train_steps, dtype=torch.float32) ** 2
        self.alphas = torch.cumprod(1 - betas, dim=0)  # (train_steps,)
        self.clean_end = clean_end
        self.final_alpha = torch.tensor(1.0) if clean_end else self.alphas[0]
        self.steps_offset = steps_offset
        self.prediction_type = prediction_type
        self.spacing = spacing

    @classmethod
    def read(cls, file: Path, prediction_types: Sequence[PredictionType] = ("epsilon",)) -> NoiseSchedule:
        """Read a published `scheduler_config.json`.

        Args:
            prediction_types: those the engine has a sampler for.

        Raises:
            WeightsError: the file is absent or asks for something DDIM as written here does not do.
        """
        try:
            config = json.loads(file.read_bytes())
            _refuse_unsupported(config, file)
            return cls(
                config["beta_start"],
                config["beta_end"],
                train_steps=config["num_train_timesteps"],
                steps_offset=config.get("steps_offset", 0),
                clean_end=config.get("set_alpha_to_one", True),
                prediction_type=_one_of(prediction_types, config, "prediction_type", "epsilon", file),
                spacing=_one_of(_SPACINGS, config, "timestep_spacing", "leading", file),
            )
        except (OSError, ValueError) as error:
            raise WeightsError(f"{file}: {error}") from error
        except KeyError as error:
            raise WeightsError(f"{file}: missing key {error}") from error

    def shifted(self, scale: float) -> NoiseSchedule:
        """The same timesteps with more noise the later they are: the last has `scale` times less signal to noise.

        As published, ln(snr) goes linearly in time from its own value to that of snr / `scale`, because views that
        see each other average their noise away. (MV-Adapter, arXiv 2412.03632, calls it "interpolated".)
        """
        late = torch.linspace(0, 1, len(self.alphas), dtype=torch.float64)
        snr = self.alphas.double() / (1 - self.alphas.double()) * scale**-late
        alphas = snr / (1 + snr)
        betas = 1 - alphas / torch.cat([alphas.new_ones(1), alphas[:-1]])
        shifted = copy(self)
        # Stored as betas in float32 and multiplied up again, as the published scheduler has them.
        shifted.alphas = torch.cumprod(1 - betas.float(), dim=0)
        shifted.final_alpha = self.final_alpha if self.clean_end else shifted.alphas[0]
        return shifted

    def timesteps(self, steps: int) -> list[int]:
        """The `steps` training timesteps visited, noisiest first, evenly apart.

        Raises:
            ValueError: there are not enough training timesteps for `steps`.
        """
        train_steps = len(self.alphas)
        if not 1 <= steps <= train_steps:
            raise ValueError(f"steps must be in 1..{train_steps}, got {steps}")
        if self.spacing == "trailing":
            return [round(train_steps - i * train_steps / steps) - 1 for i in range(steps)]
        timesteps = [train_steps // steps * i + self.steps_offset for i in reversed(range(steps))]
        if timesteps[0] >= train_steps:
            raise ValueError(f"steps={steps} starts at timestep {timesteps[0]}, the last is {train_steps - 1}")
        return timesteps


def _one_of(supported: Sequence[T], config: dict[str, Any], key: str, default: T, file: Path) -> T:
    value: T = config.get(key, default)
    if value not in supported:
        raise WeightsError(f"{file}: {key} is {value!r}, supported are {', '.join(supported)}")
    return value


def _refuse_unsupported(config: dict[str, object], file: Path) -> None:
    if (name := config.get("_class_name")) not in _CLASS_NAMES:
        raise WeightsError(f"{file}: _class_name is {name!r}, supported are {', '.join(_CLASS_NAMES)}")
    for key, (supported, default) in _ONLY_SUPPORTED.items():
        if (value := config.get(key, default)) != supported:
            raise WeightsError(f"{file}: {key} is {value!r}, only {supported!r} is supported")
