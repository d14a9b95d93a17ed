"""How one device serves: what its queue, its memory and its networks are told. No torch in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Batching = Literal["steps", "requests", "off"]
MemoryProfile = Literal["resident", "low"]
RasteriserName = Literal["auto", "torch", "pytorch3d", "nvdiffrast"]


@dataclass(frozen=True)
class DeviceConfig:
    """The settings of one device.

    Args:
        max_batch_rows: most rows of one forward that joins several calls, memory permitting; 0: one call a forward.
        max_live_jobs: most jobs of one engine between their first and last forward.
        batching: how jobs of one engine come together. "steps": one goes live as soon as there is room, and shares
            whatever forwards it meets. "requests": those that wait go live together, and none joins until all of them
            have ended. "off": one after the other and nothing shared, as `max_live_jobs=1, max_batch_rows=0`.
        memory_bytes: what live jobs and a forward may take together; None: what is free beside the weights.
        shares: engine -> weight of its claim on device time; 1 when absent.
        memory_profile: "low" keeps one network's weights on the device and one job live, for small cards.
        patience_s: how long a job that does not fit lets those of other engines pass.
        latent_cache_bytes, latent_cache_s: what encoded pictures may take beside the jobs, and when they are forgotten.
        garment_cache_bytes: the same of garments as a network has seen them.
        compiled: whether networks are compiled for the shapes they are prepared for.
        rasteriser: which one draws triangles; "auto": the one that suits the device.
    """

    max_batch_rows: int = 8
    max_live_jobs: int = 8
    batching: Batching = "steps"
    memory_bytes: int | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    memory_profile: MemoryProfile = "resident"
    patience_s: float = 30.0
    latent_cache_bytes: int = 0
    garment_cache_bytes: int = 0
    latent_cache_s: float = 3600.0
    compiled: bool = False
    rasteriser: RasteriserName = "auto"

    @property
    def rows_at_once(self) -> int:
        """Most rows of a forward that joins several calls, with `batching` considered; 0: none joins any."""
        return 0 if self.batching == "off" else self.max_batch_rows

    @property
    def jobs_at_once(self) -> int:
        """Most live jobs of one engine, with `batching` considered."""
        return 1 if self.batching == "off" else self.max_live_jobs
