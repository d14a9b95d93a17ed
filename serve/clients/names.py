"""Who can stand in `CLIENTS`. Imported by whoever reads settings, so: nothing else."""

from __future__ import annotations

CLIENT_NAMES = ("omoib", "up2you", "ootdiffusion", "vesaki", "fal", "fashn")
