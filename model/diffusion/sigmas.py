"""The noise levels a sampler visits, as a published `scheduler_config.json` asks for them.

A level is sigma = sqrt((1 - a) / a) with a the share of signal; Karras et al. (arXiv 2206.00364) space them evenly in
sigma^(1/7).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.diffusion.schedule import NoiseSchedule
from model.errors import WeightsError

_RHO = 7.0  # of Karras et al. (arXiv 2206.00364)
_ONLY_SUPPORTED: dict[str, object] = {
    "beta_schedule": "scaled_linear",
    "trained_betas": None,
    "prediction_type": "epsilon",
    "thresholding": False,
}


@dataclass(frozen=True)
class Sigmas:
    """The noise at every training timestep, least first, and how sampling chooses among it.

    karras: by Karras' spacing, at timesteps that lie nearest; else at timesteps evenly apart ("linspace").
    """

    of_timesteps: NDArray[np.float64]  # (train_steps,)
    karras: bool

    @classmethod
    def read(cls, file: Path) -> Sigmas:
        """Read a scheduler's file, whichever sampler's it is.

        It need not be strict JSON: one that was published holds -Infinity.

        Raises:
            WeightsError: the file is absent or asks for something that is not done here.
        """
        try:
            config = json.loads(file.read_bytes())
            for key, supported in _ONLY_SUPPORTED.items():
                if (value := config.get(key, supported)) != supported:
                    raise WeightsError(f"{file}: {key} is {value!r}, only {supported!r} is supported")
            karras = bool(config.get("use_karras_sigmas", False))
            if not karras and (spacing := config.get("timestep_spacing", "linspace")) != "linspace":
                raise WeightsError(f"{file}: timestep_spacing is {spacing!r}, only 'linspace' is supported")
            return cls.of(config["beta_start"], config["beta_end"], config["num_train_timesteps"], karras=karras)
        except (OSError, TypeError, ValueError) as error:
            raise WeightsError(f"{file}: {error}") from error
        except KeyError as error:
            raise WeightsError(f"{file}: missing key {error}") from error

    @classmethod
    def of(cls, beta_start: float, beta_end: float, train_steps: int, *, karras: bool) -> Sigmas:
        """Of betas whose roots are evenly apart."""
        schedule = NoiseSchedule(beta_start, beta_end, train_steps=train_steps, steps_offset=0, clean_end=False)
        alphas = schedule.alphas.double().numpy()
        return cls(((1 - alphas) / alphas) ** 0.5, karras)

    def visited(self, steps: int) -> tuple[list[int], list[float]]:
        """The timestep the network is told at each of `steps` steps, noisiest first, and the noise then.

        Timesteps may repeat, as they are rounded. Sigmas do not, but for the one at which sampling ends, a little short
        of clean latents: with Karras' spacing it is the last one again, so the last step goes nowhere.

        Raises:
            ValueError: there is no step.
        """
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        everyone = np.arange(len(self.of_timesteps))
        end = self.of_timesteps[0]
        if self.karras:
            least, most = self.of_timesteps[[0, -1]] ** (1 / _RHO)
            sigmas = np.linspace(most, least, steps) ** _RHO
            timesteps = np.interp(np.log(sigmas), np.log(self.of_timesteps), everyone).round()
            end = sigmas[-1]
        else:
            timesteps = np.linspace(0, everyone[-1], steps + 1).round()[:0:-1]
            sigmas = self.of_timesteps[timesteps.astype(int)]
        return timesteps.astype(int).tolist(), [*sigmas.tolist(), float(end)]
