"""What a sampling loop needs of a solver, whichever it is."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Sampler(Protocol):
    """One run from noise to picture. Its steps are taken in order, each once.

    `timesteps`: the training timestep at which the network is asked before each step, noisiest first.
    `eta`: 0 if no step uses noise.
    """

    timesteps: list[int]
    eta: float

    def noised(self, clean: Tensor, noise: Tensor, i: int) -> Tensor:
        """`clean` latents with as much noise as there is before step `i`."""

    def step(self, prediction: Tensor, i: int, latents: Tensor, noise: Tensor | None) -> Tensor:
        """From the latents before step `i` to those after it.

        Args:
            prediction: what the network says about `latents`, of the same shape.
            noise: standard normal, of the same shape; may be None when eta is 0.
        """
