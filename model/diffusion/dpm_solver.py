"""DPM-Solver++ (Lu et al., arXiv 2211.01095), 2M: multistep, with the last step's clean latents for a second order."""

from __future__ import annotations

import torch
from torch import Tensor

from model.diffusion.schedule import NoiseSchedule


class DPMSolver:
    """From noise to picture in `steps` steps, second order but for the first and the last.

    All constants are formed on the host, in float32, so that a step costs no synchronisation with the device. With eta
    0 or 1 it is what diffusers calls "dpmsolver++" and "sde-dpmsolver++" (midpoint, ending at no noise).

    Args:
        steps: number of steps, at least 1.
        eta: 0 follows the differential equation, 1 the stochastic one, which adds as much noise on the way as the
            training process took away; in between, part of it.

    Raises:
        ValueError: there are not enough training timesteps for `steps`.
    """

    def __init__(self, noise_schedule: NoiseSchedule, steps: int, eta: float) -> None:
        self.timesteps = _timesteps(noise_schedule, steps)
        self.eta = eta
        self._predicts_v = noise_schedule.prediction_type == "v_prediction"
        alphas = noise_schedule.alphas[self.timesteps]
        self._levels = torch.stack([alphas**0.5, (1 - alphas) ** 0.5], dim=1).tolist()
        self._constants = _constants(alphas, eta)
        self._before: Tensor | None = None  # the clean latents that the last step saw

    def noised(self, clean: Tensor, noise: Tensor, i: int) -> Tensor:
        """`clean` latents with as much noise as there is before step `i`."""
        sqrt_alpha, sqrt_beta = self._levels[i]
        noisy: Tensor = sqrt_alpha * clean + sqrt_beta * noise
        return noisy

    def step(self, prediction: Tensor, i: int, latents: Tensor, noise: Tensor | None) -> Tensor:
        """From the latents before step `i` to those after it.

        Args:
            prediction: what the network says about `latents`, of the same shape and the schedule's `prediction_type`.
            noise: standard normal, of the same shape; not used when eta is 0.
        """
        sqrt_alpha, sqrt_beta = self._levels[i]
        if self._predicts_v:
            clean = sqrt_alpha * latents - sqrt_beta * prediction
        else:
            clean = (latents - sqrt_beta * prediction) / sqrt_alpha
        kept, gained, trend, deviation = self._constants[i]
        before = clean if self._before is None else self._before
        self._before = clean
        latents = kept * latents + gained * (clean + trend * (clean - before))
        return latents if noise is None or self.eta == 0 else latents + deviation * noise


def _timesteps(noise_schedule: NoiseSchedule, steps: int) -> list[int]:
    """As diffusers has them: "leading" leaves out the last stretch, which would start almost where sampling ends."""
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if noise_schedule.spacing == "trailing":
        return noise_schedule.timesteps(steps)
    return noise_schedule.timesteps(steps + 1)[:-1]


def _constants(alphas: Tensor, eta: float) -> list[tuple[float, ...]]:
    """Of each step: how much of the latents stays, how much clean comes in, how far its trend goes on, noise.

    Args:
        alphas: (steps,) share of signal before each step.
    """
    signal, noise = alphas**0.5, (1 - alphas) ** 0.5
    half_log_snr = torch.log(signal) - torch.log(noise)  # the solver's time
    strides = half_log_snr[1:] - half_log_snr[:-1]
    kept = noise[1:] / noise[:-1] * torch.exp(-eta * strides)
    gained = signal[1:] * -torch.expm1(-(1 + eta) * strides)
    trend = torch.zeros_like(strides)
    trend[1:] = 0.5 * strides[1:] / strides[:-1]
    deviation = noise[1:] * (-torch.expm1(-2 * eta * strides)) ** 0.5
    # The last step ends where there is no noise: it takes the clean latents as they are.
    return [*zip(*(c.tolist() for c in (kept, gained, trend, deviation)), strict=True), (0.0, 1.0, 0.0, 0.0)]
