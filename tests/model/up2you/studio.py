"""Avatars of the built-in networks, as small as can be, each in a fresh folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.avatar.request import Stage
from model.engine import Job
from model.engines.up2you.engine import UP2You
from model.engines.up2you.request import Request

TINY: dict[str, Any] = {"size": 64, "steps": 2, "mesh_size": 64, "iterations": 3, "faces": 2000, "seed": 1}


def tiny(count: int, **fields: Any) -> Request:
    return Request.model_validate(TINY | {"photos": ["fetched"] * count} | fields)


class Studio:
    """Runs requests on one engine."""

    def __init__(self, avatar: UP2You, runner: asyncio.Runner, folder: Path) -> None:
        self.avatar, self.runner, self.folder = avatar, runner, folder

    def run(
        self, files: Mapping[str, Path], *, first: Stage = "photos", out: Path | None = None, **fields: Any
    ) -> tuple[Path, Job]:
        """The folder of the results, and the job. `out`: of an earlier run, to go on from `first`."""
        rig = fields.pop("rig", True)
        out = out or self.fresh()
        request, job = tiny(len(files) or 1, **fields), Job(files, out, export_rig=rig)
        self.runner.run(self.live(request, job, first))
        return out, job

    async def live(self, request: Request, job: Job, first: Stage = "photos") -> None:
        device = self.avatar.networks.device
        async with device.live("avatar", self.avatar.resident_bytes(request)):
            await self.avatar.run_from(request, job, first)

    def fresh(self) -> Path:
        folder = self.folder / str(sum(1 for _ in self.folder.iterdir()))
        folder.mkdir()
        return folder
