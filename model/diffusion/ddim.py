"""DDIM (Song et al., arXiv 2010.02502): from noise to picture, with as much fresh noise as is wanted."""

from __future__ import annotations

from torch import Tensor

from model.diffusion.schedule import NoiseSchedule


class DDIM:
    """From noise to picture in `steps` steps.

    All constants are formed on the host, in float32 and in the order the published code forms them, so that a
    step costs no synchronisation with the device.

    Args:
        steps: number of steps, at least 1.
        eta: 0 adds no noise on the way, 1 as much as the training process took away.

    Raises:
        ValueError: there are not enough training timesteps for `steps`.
    """

    def __init__(self, noise_schedule: NoiseSchedule, steps: int, eta: float) -> None:
        self.timesteps = noise_schedule.timesteps(steps)
        stride = len(noise_schedule.alphas) // steps
        self.eta = eta
        self._predicts_v = noise_schedule.prediction_type == "v_prediction"
        self._constants = [_constants(noise_schedule, t, t - stride, eta) for t in self.timesteps]

    def noised(self, clean: Tensor, noise: Tensor, i: int) -> Tensor:
        """`clean` latents with as much noise as there is before step `i`."""
        sqrt_alpha, sqrt_beta, *_ = self._constants[i]
        return sqrt_alpha * clean + sqrt_beta * noise

    def step(self, prediction: Tensor, i: int, latents: Tensor, noise: Tensor | None) -> Tensor:
        """From the latents before step `i` to those after it.

        Args:
            prediction: what the network says about `latents`, of the same shape and the schedule's `prediction_type`.
            noise: standard normal, of the same shape; not used when eta is 0.
        """
        sqrt_alpha, sqrt_beta, sqrt_next_alpha, direction, deviation = self._constants[i]
        if self._predicts_v:
            clean = sqrt_alpha * latents - sqrt_beta * prediction
            prediction = sqrt_alpha * prediction + sqrt_beta * latents  # the noise
        else:
            clean = (latents - sqrt_beta * prediction) / sqrt_alpha
        latents = sqrt_next_alpha * clean + direction * prediction
        return latents if noise is None or self.eta == 0 else latents + deviation * noise


def _constants(noise_schedule: NoiseSchedule, t: int, next_t: int, eta: float) -> tuple[float, ...]:
    alpha = noise_schedule.alphas[t]
    next_alpha = noise_schedule.alphas[next_t] if next_t >= 0 else noise_schedule.final_alpha
    variance = (1 - next_alpha) / (1 - alpha) * (1 - alpha / next_alpha)
    deviation = eta * variance**0.5
    direction = (1 - next_alpha - deviation**2) ** 0.5
    return tuple(c.item() for c in (alpha**0.5, (1 - alpha) ** 0.5, next_alpha**0.5, direction, deviation))
