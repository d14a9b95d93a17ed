"""UniPC (Zhao et al., arXiv 2302.04867): a predictor of second order, and a corrector that costs no network call.

It is the variant with B(h) = e^h - 1 that diffusers calls "bh2", predicting clean latents. Constants are formed on the
host in float64, so that a step costs no synchronisation with the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, log, sqrt

from torch import Tensor

from model.diffusion.sigmas import Sigmas


@dataclass(frozen=True)
class NoiseLevel:
    """One noise level: latents are signal * clean + noise * normal."""

    signal: float
    noise: float

    @classmethod
    def of(cls, sigma: float) -> NoiseLevel:
        signal = 1 / sqrt(1 + sigma**2)
        return cls(signal, sigma * signal)

    @property
    def half_log_snr(self) -> float:
        """The solver's time."""
        return log(self.signal / self.noise)


class UniPC:
    """From noise to picture in `steps` steps, taken in order, each once.

    It keeps latents of its own between steps: what a caller does to those that `step` returns, such as painting over
    them, changes what the network is asked about and nothing else, as published.

    Args:
        steps: number of steps, at least 1.
        first: the index of the step that is taken first.
    """

    def __init__(self, sigmas: Sigmas, steps: int, first: int = 0) -> None:
        self._first = first
        self.timesteps, visited = sigmas.visited(steps)
        self._levels = [NoiseLevel.of(sigma) for sigma in visited]
        self._clean: list[Tensor] = []  # what the last one or two steps saw, the last first
        self._kept: Tensor | None = None  # the corrected latents of the last step

    def step(self, prediction: Tensor, i: int, latents: Tensor) -> Tensor:
        """From the latents before step `i` to those after it.

        Args:
            prediction: the noise the network sees in `latents`, of the same shape.
        """
        level = self._levels[i]
        clean = (latents - level.noise * prediction) / level.signal
        if self._kept is not None:
            latents = self._corrected(clean, i, self._kept)
        self._clean = [clean, *self._clean[:1]]
        self._kept = latents
        return self._predicted(i, latents)

    def noised(self, clean: Tensor, noise: Tensor, i: int) -> Tensor:
        """`clean` latents with as much noise as there is before step `i`; after the last step, with none."""
        if i == len(self.timesteps):
            return clean
        level = self._levels[i]
        return level.signal * clean + level.noise * noise

    def _order(self, i: int) -> int:
        """Second, but for the first step, which has no other before it, and the last."""
        return 1 if i == self._first or i == len(self.timesteps) - 1 else 2

    def _predicted(self, i: int, latents: Tensor) -> Tensor:
        """The latents after step `i`."""
        change = 0.5 * self._trend(i) if self._order(i) == 2 else None
        return self._moved(i, latents, self._clean[0], change)

    def _corrected(self, clean: Tensor, i: int, kept: Tensor) -> Tensor:
        """The latents after step `i` - 1 again, now that it is known what the network sees there: `clean`."""
        before = i - 1
        of_trend, of_change = 0.0, 0.5
        if self._order(before) == 2:
            of_trend, of_change = self._corrector_weights(before)
        change = of_change * (clean - self._clean[0])
        if of_trend:
            change = change + of_trend * self._trend(before)
        return self._moved(before, kept, self._clean[0], change)

    def _moved(self, i: int, latents: Tensor, clean: Tensor, change: Tensor | None) -> Tensor:
        """`latents` over step `i` towards `clean`, which itself changes on the way."""
        now, then = self._levels[i], self._levels[i + 1]
        gained = -then.signal * expm1(-self._stride(i))
        return then.noise / now.noise * latents + gained * (clean if change is None else clean + change)

    def _stride(self, i: int) -> float:
        return self._levels[i + 1].half_log_snr - self._levels[i].half_log_snr

    def _trend(self, i: int) -> Tensor:
        """How the clean latents would go on changing over step `i`, going by the last two."""
        clean, before = self._clean
        return (before - clean) / self._ratio(i)

    def _ratio(self, i: int) -> float:
        """Of the stride before step `i` to its own, negative: it lies behind."""
        return -self._stride(i - 1) / self._stride(i)

    def _corrector_weights(self, i: int) -> tuple[float, float]:
        """The paper's coefficients: of the trend, and of the change that was seen."""
        h = -self._stride(i)
        first = expm1(h) / h - 1
        second = first / h - 0.5
        wanted, wanted_too = first / expm1(h), 2 * second / expm1(h)
        of_trend = (wanted - wanted_too) / (1 - self._ratio(i))
        return of_trend, wanted - of_trend
