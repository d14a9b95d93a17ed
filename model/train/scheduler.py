"""The noise schedule of a new UNet: the published numbers."""

from __future__ import annotations

from model.diffusion.schedule import NoiseSchedule, PredictionType, Spacing

_BETAS = {"beta_start": 0.00085, "beta_end": 0.012}  # Stable Diffusion's, as the next line
_STEPS, _OFFSET = 1000, 1

# From pure noise, which few steps need. There v is well defined; epsilon says nothing about the picture.
_SPACING: dict[PredictionType, Spacing] = {"epsilon": "leading", "v_prediction": "trailing"}


def new_schedule(prediction_type: PredictionType) -> NoiseSchedule:
    """What a UNet is trained with that has no schedule yet."""
    return NoiseSchedule(
        **_BETAS,
        train_steps=_STEPS,
        steps_offset=_OFFSET,
        clean_end=False,
        prediction_type=prediction_type,
        spacing=_SPACING[prediction_type],
    )


def scheduler_config(prediction_type: PredictionType) -> dict[str, object]:
    """The same as a published `scheduler_config.json`."""
    return {
        "_class_name": "DDIMScheduler",
        **_BETAS,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": _STEPS,
        "set_alpha_to_one": False,
        "steps_offset": _OFFSET,
        "timestep_spacing": _SPACING[prediction_type],
        "clip_sample": False,
        "prediction_type": prediction_type,
    }
