"""Point-based clothing: outfits as clouds of points, found in photos and put on bodies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from model.engine import Choices, Job
from model.engines.pointcloth.memory import fit_bytes
from model.engines.pointcloth.networks import OutfitNetworks
from model.engines.pointcloth.pipeline import OutfitPipeline
from model.engines.pointcloth.request import Request as OutfitRequest
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall


class PointCloth:
    """Outfits as points around a body (Zakharkin et al. 2021). Everything is computed in float32, on any device."""

    name: ClassVar[str] = "pointcloth"
    Request: ClassVar[type[OutfitRequest]] = OutfitRequest

    def __init__(self, weights: Path, device: Device) -> None:
        self.networks = OutfitNetworks(weights, device)

    async def run(self, request: OutfitRequest, job: Job) -> None:
        """Leave `outfit.npz`, `body.json`, the cloud and pictures in the job's outputs.

        Raises:
            InputError: a file cannot be used, nobody is in a photo, or nobody wears what is to be fitted.
        """
        await OutfitPipeline(self.networks, request, job).run()

    def choices(self) -> Choices:
        return Choices(variants=list(self.networks.codes))

    def resident_bytes(self, request: OutfitRequest) -> int:
        return fit_bytes(self.networks.draping.sizes) if request.task == "fit" else 0

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        """None: clouds have one size, whatever is asked for."""
        yield from ()
