"""The diffusion loss: how noisy, what to predict, and how much each error counts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from model.diffusion.schedule import NoiseSchedule, PredictionType

Predict = Callable[[Tensor], Tensor]  # noisy latents -> prediction


def draw_timesteps(count: int, train_steps: int, power: float, generator: Generator) -> Tensor:
    """(count,) int64, each from the whole range, spread evenly over the batch (arXiv 2107.00630, appendix I.1).

    Args:
        power: 1 draws all equally often; above, u^(1/power) of a uniform u, so the noisy ones more often.
    """
    offset = torch.rand(1, generator=generator, device=generator.device)
    even = (offset + torch.arange(count, device=generator.device) / count) % 1
    return (even ** (1 / power) * train_steps).long().clamp(max=train_steps - 1)


class Noising:
    """Clean latents, noise and timesteps become noisy latents and what the network shall say about them.

    All of (B, C, h, w); `alphas` is the share of signal left at each sample's timestep, (B, 1, 1, 1).
    """

    def __init__(self, schedule: NoiseSchedule, timesteps: Tensor, clean: Tensor, noise: Tensor) -> None:
        self.prediction_type: PredictionType = schedule.prediction_type
        self.alphas = schedule.alphas.to(clean.device)[timesteps][:, None, None, None]
        self.noise = noise
        self.noisy = self.alphas**0.5 * clean + (1 - self.alphas) ** 0.5 * noise
        v = self.alphas**0.5 * noise - (1 - self.alphas) ** 0.5 * clean
        self.target = noise if self.prediction_type == "epsilon" else v

    def dream(self, predict: Predict, detail: float) -> None:
        """Let the network see its own mistakes, as it will when sampling (DREAM, arXiv 2312.00210).

        With e the noise, e' the network's guess of it, a the share of signal and p = `detail`:
        d = sqrt(1 - a)^p (e - e'); the noisy latents become x + sqrt(1 - a) d, as if the noise were e + d, and so does
        the target. A guess v' of v says e' = sqrt(a) v' + sqrt(1 - a) x, and v changes by sqrt(a) d. The larger p, the
        more it is confined to the noisiest steps; infinity turns it off.
        """
        signal, rest = self.alphas**0.5, (1 - self.alphas) ** 0.5
        with torch.no_grad():
            guess = predict(self.noisy)
            guessed = guess if self.prediction_type == "epsilon" else signal * guess + rest * self.noisy
            missed = rest**detail * (self.noise - guessed)
        self.noisy = self.noisy + rest * missed
        self.target = self.target + (missed if self.prediction_type == "epsilon" else signal * missed)

    def min_snr(self, gamma: float) -> Tensor:
        """Weights (B, 1, 1, 1) that keep the easy timesteps from ruling (arXiv 2303.09556).

        min(snr, gamma) / snr for epsilon, min(snr, gamma) / (snr + 1) for v.
        """
        snr = self.alphas / (1 - self.alphas)
        return snr.clamp(max=gamma) / (snr if self.prediction_type == "epsilon" else snr + 1)


def weighted_mse(prediction: Tensor, target: Tensor, sample_weights: Tensor | None, weights: Tensor | None) -> Tensor:
    """Mean squared error.

    Args:
        sample_weights: (B, 1, 1, 1), or None for 1; they scale the loss.
        weights: (B, 1, h, w), or None for 1; they only shift attention: the mean is over them.
    """
    errors = (prediction - target) ** 2
    if weights is not None:
        errors = errors * (weights / weights.mean())
    if sample_weights is not None:
        errors = errors * sample_weights
    return errors.mean()
