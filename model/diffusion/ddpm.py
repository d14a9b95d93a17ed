"""DDPM (Ho et al., arXiv 2006.11239): ancestral sampling, with fresh noise at every step."""

from __future__ import annotations

from torch import Tensor

from model.diffusion.schedule import NoiseSchedule

_LEAST_VARIANCE = 1e-20  # as diffusers clamps it


class DDPM:
    """A sampler of `steps` steps with the posterior's own variance ("fixed small").

    All constants are formed on the host, in float32 and in the order diffusers forms them, so that a step costs no
    synchronisation with the device.

    Raises:
        ValueError: there are not enough training timesteps for `steps`.
    """

    def __init__(self, noise_schedule: NoiseSchedule, steps: int) -> None:
        self.timesteps = noise_schedule.timesteps(steps)
        stride = len(noise_schedule.alphas) // steps
        self._constants = [_constants(noise_schedule, t, t - stride) for t in self.timesteps]

    def step(self, prediction: Tensor, i: int, latents: Tensor, noise: Tensor) -> Tensor:
        """From the latents before step `i` to those after it.

        Args:
            prediction: the noise the network sees in `latents`, of the same shape.
            noise: standard normal, of the same shape. The last step barely uses it, but draws it like all others.
        """
        sqrt_alpha, sqrt_beta, to_clean, to_latents, deviation = self._constants[i]
        clean = (latents - sqrt_beta * prediction) / sqrt_alpha
        return to_clean * clean + to_latents * latents + deviation * noise


def _constants(noise_schedule: NoiseSchedule, t: int, next_t: int) -> tuple[float, ...]:
    alpha = noise_schedule.alphas[t]
    next_alpha = noise_schedule.alphas[next_t] if next_t >= 0 else alpha.new_ones(())
    kept = alpha / next_alpha
    to_clean = next_alpha**0.5 * (1 - kept) / (1 - alpha)
    to_latents = kept**0.5 * (1 - next_alpha) / (1 - alpha)
    variance = ((1 - next_alpha) / (1 - alpha) * (1 - kept)).clamp(min=_LEAST_VARIANCE)
    deviation = variance**0.5 if t > 0 else 0 * variance
    return tuple(c.item() for c in (alpha**0.5, (1 - alpha) ** 0.5, to_clean, to_latents, deviation))
