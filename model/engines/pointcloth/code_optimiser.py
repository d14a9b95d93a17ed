"""Adam as the codes are fitted by: those that no gradient reaches keep their moments and their count of steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class CodeOptimiser:
    """Moves several tensors, each with a state of its own.

    Args:
        parameters: changed in place.
        decay: of the rate, after every step.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        rate: float,
        betas: tuple[float, float] = (0.5, 0.9),
        epsilon: float = 1e-4,
        decay: float = 1.0,
    ) -> None:
        self.rate = rate
        self._parameters, self._betas, self._epsilon, self._decay = list(parameters), betas, epsilon, decay
        self._first, self._second = ([torch.zeros_like(p) for p in self._parameters] for _ in range(2))
        self._steps = [0] * len(self._parameters)

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """One step against the gradients; of those that are zero everywhere none."""
        for i, (parameter, gradient) in enumerate(zip(self._parameters, gradients, strict=True)):
            if bool((gradient != 0).any()):
                self._move(i, parameter, gradient)
        self.rate *= self._decay

    def _move(self, i: int, parameter: Tensor, gradient: Tensor) -> None:
        (b1, b2), first, second = self._betas, self._first[i], self._second[i]
        self._steps[i] += 1
        first.mul_(b1).add_(gradient, alpha=1 - b1)
        second.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
        steps = self._steps[i]
        spread = second.sqrt() / (1 - b2**steps) ** 0.5 + self._epsilon
        parameter.addcdiv_(first, spread, value=-self.rate / (1 - b1**steps))
