"""From a coloured mesh to the files of an answer, in steps between which others have the device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from PIL import Image
from torch import Tensor

from model.avatar import turning
from model.avatar.colour import THRESHOLD
from model.avatar.export import Form, export_avatar
from model.avatar.painting import MeshPainter
from model.avatar.parts import worn
from model.avatar.request import AvatarRequest
from model.avatar.resources import Resources
from model.body.a_pose import pose_a
from model.engine import Job
from model.mesh.atlas import Atlas, unwrap
from model.mesh.baking import shown, spread, texture_of
from model.mesh.levels import DetailLevel, coarser
from model.mesh.mesh import Mesh

_TEXELS = 1 << 17  # painted between two chances for others
_LEAST_PAINTED = 1024  # texels a side


class AvatarResults:
    """What a job leaves in its outputs."""

    def __init__(self, resources: Resources, request: AvatarRequest, job: Job) -> None:
        self._resources = resources
        self._device = resources.device
        self._request = request
        self._job = job

    async def painted(self, mesh: Mesh, painter: Callable[[], MeshPainter]) -> turning.Painting:
        """An atlas of the mesh and its picture. painter: is made on the device.

        A small picture is one that was painted larger: the gaps between its charts would not leave much of it.
        """
        wanted = self._request.texture_size
        size = max(wanted, _LEAST_PAINTED)
        atlas = await self._device.cpu(lambda: unwrap(mesh, size, run=self._device.in_side_process))
        picture = await self._texture(mesh, atlas, await self._device.run(painter))
        return atlas, picture if size == wanted else picture.resize((wanted, wanted), Image.Resampling.BOX)

    async def levels(self, mesh: Mesh, painting: turning.Painting | None, parts: Tensor | None) -> list[DetailLevel]:
        """The coarser levels of detail that were asked for."""
        finest = DetailLevel(mesh, None if painting is None else painting[0], parts)
        return [
            await self._device.cpu(partial(coarser, finest, faces, run=self._device.in_side_process))
            for faces in (self._request.lods or [])[1:]
        ]

    async def _texture(self, mesh: Mesh, atlas: Atlas, painter: MeshPainter) -> Image.Image:
        run = self._device.run
        projection = await run(lambda: painter.projection(mesh))
        detail = await run(lambda: painter.detail(mesh))
        texels = await run(lambda: painter.texels(atlas, projection))
        colours = [await run(partial(shown, piece, projection, THRESHOLD, detail)) for piece in texels.pieces(_TEXELS)]
        texture = await run(lambda: texture_of(texels.covered, torch.cat(colours)))
        return await self._device.cpu(lambda: spread(texture, texels.covered))

    async def write(
        self, mesh: Mesh, betas: Tensor, painting: turning.Painting | None, parts: Tensor | None = None
    ) -> None:
        """`avatar.glb`, its levels of detail and the other formats asked for, and `body.json`. parts: of each triangle,
        see `PARTS`; with them also `clothes.glb`."""
        betas = betas.to(self._device.torch_device)
        levels = await self.levels(mesh, painting, parts)
        notice = self._resources.notice if self._job.export_rig else None
        body, rig = self._resources.body, self._job.export_rig
        posed = pose_a(body, betas)
        await self._device.cpu(
            lambda: export_avatar(
                self._job.outputs,
                mesh,
                body,
                betas,
                posed,
                painting,
                formats=self._request.formats,
                rig=rig,
                notice=notice,
                measured=self._resources.shapes_are_trained,
                parts=parts,
                errors=self._resources.shape_errors,
                form=self._form(notice),
                coarser=levels,
            )
        )

    def _form(self, notice: str | None) -> Form:
        asked = self._request
        vrm = asked.vrm.described(notice)
        return Form(asked.pose, asked.texture_format, asked.compression == "draco", tuple(asked.clips), vrm)

    async def show_clothes(self, mesh: Mesh, parts: Tensor, painting: turning.Painting | None) -> None:
        """`clothes_front.png` and `clothes_back.png`; nothing of a person without clothes."""
        clothes = worn(parts)
        if clothes.any():
            pictures = turning.looks(mesh, painting, self._resources.rasteriser, clothes)
            for side in turning.SIDES:
                picture = await self._device.run(lambda: next(pictures))
                await self._device.cpu(partial(picture.save, self._job.outputs / f"clothes_{side}.png"))

    async def turn(self, mesh: Mesh, painting: turning.Painting | None, *, closed: bool) -> None:
        """The person turning once around. closed: the last step leads back to the first frame."""
        solid = not self._request.body_only  # reconstructions are sealed; of a body model nobody knows
        frames = turning.frames(mesh, painting, self._resources.rasteriser, closed=closed, solid=solid)
        pictures = []
        for done in range(turning.FRAMES):
            pictures.append(await self._device.run(lambda: next(frames)))
            self._job.progress("turntable", done + 1, turning.FRAMES)
        await self._device.cpu(lambda: turning.write(pictures, self._job.outputs))
