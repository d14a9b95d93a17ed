"""The stages of an avatar that every engine shares, and the order in which a request goes through all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from model.avatar import stage_files
from model.avatar.codes import AvatarCode
from model.avatar.cutout import Cutout, cut_out
from model.avatar.dressing import dressed, photos_of
from model.avatar.hand_swap import swap_hands
from model.avatar.kept import KeptAvatar
from model.avatar.painting import MeshPainter
from model.avatar.photos import framed, loaded, read_photo
from model.avatar.reconstruction import Reconstruction
from model.avatar.request import AvatarRequest, Stage
from model.avatar.resources import Resources
from model.avatar.results import AvatarResults
from model.avatar.subject import Subject
from model.avatar.targets import targets
from model.body.a_pose import a_pose
from model.codes import LocalCode
from model.engine import Job
from model.errors import InputError
from model.mesh.decimation import decimated
from model.mesh.mesh import Mesh
from model.mesh.partition import partitioned
from model.mesh.poisson import sealed
from model.runtime.slices import in_slices

_OF_THE_BODY: tuple[Stage, ...] = ("photos", "features", "shape", "export")

Stages = Mapping[Stage, Callable[[], Awaitable[None]]]


class AvatarPipeline(ABC):
    """The stages of one job. Each reads what it needs from the subject and adds what it makes.

    Args:
        reference: as the published code has it, slips included.
    """

    def __init__(self, resources: Resources, request: AvatarRequest, job: Job, *, reference: bool = False) -> None:
        self.resources = resources
        self.device = resources.device
        self.request = request
        self.job = job
        self.reference = reference
        self.subject = Subject()
        self.kept: KeptAvatar | None = None  # whose shape the subject has, where it is an earlier avatar's

    @property
    @abstractmethod
    def view_stages(self) -> Stages:
        """What the engine does between the photos and the mesh, in order: six views and their normals."""

    @property
    def stages(self) -> Stages:
        """What does each stage, in their order."""
        surface: Stages = {"mesh": self.mesh, "colour": self.colour, "export": self.export}
        return {"photos": self.photos, **self.view_stages, **surface}

    async def run(self, first: Stage = "photos", last: Stage = "export") -> None:
        """From `first` to `last`; what the stages before it make is read from the job's outputs.

        Raises:
            InputError: `no_stage`: they have left nothing there, or the body alone has no such stage; `no_rig`: what
                is asked for needs the skeleton.
        """
        if self.request.needs_rig and not self.job.export_rig:
            raise InputError("'clips' and 'vrm' need the skeleton, which is left out here", code=AvatarCode.NO_RIG)
        names = [name for name in self.stages if not self.request.body_only or name in _OF_THE_BODY]
        if first not in names:
            what = "the body alone" if self.request.body_only else "this engine"
            raise InputError(f"{what} has no stage '{first}'", code=LocalCode.NO_STAGE, field="from_stage")
        folder, start = self.job.outputs, names.index(first)
        for name in names[:start]:
            await self.device.cpu(partial(stage_files.load, name, self.subject, folder))
        for name in names[start : names.index(last) + 1]:
            self.job.progress(name, 0, 1)
            await self.stages[name]()
            if name in self.request.stages:
                await self.device.cpu(partial(stage_files.save, name, self.subject, folder))

    async def photos(self) -> None:
        """Cut the person out of each photo and put them into the middle of a square."""
        if (earlier := self.job.inputs.get("avatar")) is not None:
            self.kept = await self.device.cpu(lambda: KeptAvatar.read(earlier))
            if not self.request.is_dressed:
                self.subject.photos = list(self.kept.photos)
                return
        with TemporaryDirectory() as folder:
            files = await self._dressed(await self._photos_in(Path(folder)), Path(folder))
            cutouts: dict[str, Cutout] = {}
            for field, file in files.items():
                cutouts[field] = await self.device.cpu(partial(self._person_in, field, file))
                self.job.progress("photos", len(cutouts), len(files))
        fields = list(files)
        self.subject.photos = await self.device.cpu(
            lambda: [framed(cutouts[field].picture, reference=self.reference) for field in fields]
        )
        if len(fields) == 1:
            self.job.warn("one_photo", "there is only one photo: what it does not show is made up")
        if several := [field for field in fields if cutouts[field].several_people]:
            self.job.warn("several_people", f"the largest person was taken in {', '.join(several)}")
        if all(cutouts[field].cut_at_top for field in fields):
            self.job.warn("no_head", "every photo seems to end below the head: it is made up")

    async def _photos_in(self, folder: Path) -> Mapping[str, Path]:
        """The photos as they were sent, or those of an earlier avatar, as files in `folder`."""
        if self.kept is None:
            return photos_of(self.job.inputs)
        files = {f"avatar.{i}": folder / f"avatar_{i}.png" for i in range(len(self.kept.photos))}
        for photo, file in zip(self.kept.photos, files.values(), strict=True):
            await self.device.cpu(partial(photo.save, file))
        return files

    async def _dressed(self, photos: Mapping[str, Path], folder: Path) -> Mapping[str, Path]:
        """The photos in other clothes, where these are asked for."""
        if not self.request.is_dressed:
            return photos
        return await dressed(photos, self.request, self.job, folder)

    def _person_in(self, field: str, file: Path) -> Cutout:
        return cut_out(read_photo(file, field, self.job.warn), self.resources.matting, field)

    def loaded_photos(self, size: int) -> tuple[Tensor, Tensor]:
        """The photos as networks see them: (N, 3, size, size) on grey, and their alphas, (N, size, size)."""
        colours, alphas = zip(*(loaded(photo, size, size) for photo in self.subject.photos), strict=True)
        return torch.stack(colours), torch.stack(alphas)

    async def mesh(self) -> None:
        """The body, deformed until it looks like the normals; then its own hands, and a surface without holes."""
        work = await self.device.run(self._reconstruction)
        await in_slices(work, self.device.run, partial(self.job.progress, "mesh"))
        hands = self.resources.hands

        def finished() -> Mesh:
            parts = swap_hands(work.mesh(), self.body(), hands.face_mask, hands.near_wrist_vertex_mask)
            return sealed(parts, run=self.device.in_side_process)

        self.subject.mesh = await self.device.cpu(finished)

    def _reconstruction(self) -> Reconstruction:
        request = self.request
        return Reconstruction(
            self.body(),
            targets(self.subject.normals, request.mesh_size, reference=self.reference),
            self.resources.rasteriser,
            seed=request.seed,
            iterations=request.iterations,
            reference=self.reference,
        )

    def body(self) -> Mesh:
        """The shaped body in A pose, on the device."""
        betas = self.subject.betas.to(self.device.torch_device)
        return a_pose(self.resources.body, betas, rounded=self.reference)

    async def colour(self) -> None:
        """The views' colours on the mesh, which from here on has no more triangles than asked for."""
        whole = self.subject.mesh.to(self.device.torch_device)
        mesh = await self.device.cpu(lambda: decimated(whole, self.request.most_faces, run=self.device.in_side_process))
        self.subject.coloured = await self.device.run(lambda: self.painter().coloured(mesh))

    def painter(self) -> MeshPainter:
        """What paints meshes in the colours of the six views."""
        size, rasteriser = self.request.mesh_size, self.resources.rasteriser
        return MeshPainter(self.body(), self.subject.rgb, size, rasteriser, reference=self.reference)

    @abstractmethod
    async def view_parts(self) -> Tensor:
        """(6, 6, h, w): what the views' pixels show, as shares of `model.avatar.parts.PARTS`, all 0 beside the person.

        Raises:
            InputError: nothing is there that could tell.
        """

    async def _parted(self, mesh: Mesh) -> tuple[Mesh, Tensor]:
        """The mesh cut along the borders of its parts, and the part of each triangle."""
        parts = await self.view_parts()
        shares = await self.device.run(lambda: self.painter().shares(mesh, parts.to(mesh.vertices)))
        return await self.device.cpu(lambda: partitioned(mesh, shares))

    async def export(self) -> None:
        """The files; the person turning, if that was asked for."""
        mesh = self.body() if self.request.body_only else self.subject.coloured.to(self.device.torch_device)
        parts = None
        if self.request.parts:
            mesh, parts = await self._parted(mesh)
        results = AvatarResults(self.resources, self.request, self.job)
        textured = self.request.texture == "atlas" and not self.request.body_only
        painting = await results.painted(mesh, self.painter) if textured else None
        await results.write(mesh, self.subject.betas, painting, parts)
        if self.request.keep:
            kept = KeptAvatar(self.subject.photos, self.subject.betas)
            await self.device.cpu(lambda: kept.write(self.job.outputs / "avatar.npz"))
        if parts is not None:
            await results.show_clothes(mesh, parts, painting)
        if self.request.turntable:
            await results.turn(mesh, painting, closed=not self.reference)
