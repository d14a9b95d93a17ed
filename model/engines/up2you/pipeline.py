"""One request at work: a person sits for us, stage after stage, in the order of the paper."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Generator, Tensor

from model.avatar import stage_files, turning
from model.avatar.colour import THRESHOLD
from model.avatar.cutout import Cutout, alpha_of, cut_out
from model.avatar.export import export_avatar
from model.avatar.hand_swap import swap_hands
from model.avatar.painting import Painter
from model.avatar.photos import framed, loaded, read_photo
from model.avatar.pose_images import pose_images
from model.avatar.reconstruction import Reconstruction
from model.avatar.request import STAGES, Stage
from model.avatar.subject import Subject
from model.avatar.targets import targets
from model.body.a_pose import a_pose, pose_a
from model.engine import Job
from model.engines.up2you.files import MATTING
from model.engines.up2you.networks import Networks
from model.engines.up2you.request import Request
from model.errors import InputError
from model.mesh.atlas import Atlas, unwrap
from model.mesh.baking import shown, spread, texture_of
from model.mesh.decimation import decimated
from model.mesh.mesh import Mesh
from model.mesh.poisson import sealed

_SEEN_SIZE = 768  # of the photos, for features; the generated views have the size asked for
_SLICE_S = 0.15  # of mesh work between two chances for others
_TEXELS = 1 << 17  # painted between two
_OF_THE_BODY: tuple[Stage, ...] = ("photos", "features", "shape", "export")


class AvatarPipeline:
    """The stages of one job. Each reads what it needs from the subject and adds what it makes."""

    def __init__(self, networks: Networks, request: Request, job: Job) -> None:
        self.networks = networks
        self.device = networks.device
        self.request = request
        self.job = job
        self.subject = Subject()

    async def run(self, first: Stage = "photos") -> None:
        """From `first` on; what the stages before it make is read from the job's outputs.

        Raises:
            InputError: `no_stage`: they have left nothing there, or the body alone has no such stage.
        """
        stages = _OF_THE_BODY if self.request.body_only else STAGES
        if first not in stages:
            raise InputError(f"the body alone has no stage '{first}'", code="no_stage", field="from_stage")
        folder, start = self.job.outputs, stages.index(first)
        for stage in stages[:start]:
            await self.device.cpu(partial(stage_files.load, stage, self.subject, folder))
        for stage in stages[start:]:
            self.job.progress(stage, 0, 1)
            await getattr(self, stage)()
            if stage in self.request.stages:
                await self.device.cpu(partial(stage_files.save, stage, self.subject, folder))

    async def photos(self) -> None:
        """Cut the person out of each photo and put them into the middle of a square."""
        if self.networks.matting is None and not self.request.body_only:
            message = f"the views need {MATTING} to be cut out with, and it is not there"
            raise InputError(message, code="no_matting", field="photos")
        fields = sorted(self.job.inputs, key=lambda field: int(field.rpartition(".")[2]))
        cutouts = {}
        for field in fields:
            cutouts[field] = await self.device.cpu(partial(self._cutout, field))
            self.job.progress("photos", len(cutouts), len(fields))
        self.subject.photos = await self.device.cpu(
            lambda: [framed(cutouts[field].picture, reference=self.request.reference) for field in fields]
        )
        if len(fields) == 1:
            self.job.warn("one_photo", "there is only one photo: what it does not show is made up")
        if several := [field for field in fields if cutouts[field].several_people]:
            self.job.warn("several_people", f"the largest person was taken in {', '.join(several)}")
        if all(cutouts[field].cut_at_top for field in fields):
            self.job.warn("no_head", "every photo seems to end below the head: it is made up")

    def _cutout(self, field: str) -> Cutout:
        return cut_out(read_photo(self.job.inputs[field], field), self.networks.matting, field)

    async def features(self) -> None:
        """What DINOv2 sees in each place of each photo."""
        seen = await self.device.cpu(lambda: self._loaded(_SEEN_SIZE)[0])
        features = await self.networks.features(seen.to(self.device.torch_device))
        self.subject.features = features.contiguous()  # as read from a file: with other strides, sums differ

    async def shape(self) -> None:
        """The body's shape."""
        features = self.subject.features.to(self.device.torch_device)
        [betas] = await self.networks.shape_predictor(features[None])
        self.subject.betas = betas.cpu()

    async def poses(self) -> None:
        """The body's normals from six sides, which tell the views where everything goes."""
        body, rasteriser, size = self.networks.body, self.networks.rasteriser, self.request.size
        betas = self.subject.betas.to(self.device.torch_device)
        poses = await self.device.run(lambda: pose_images(body, betas, size, rasteriser))
        self.subject.poses = poses.contiguous()  # likewise

    async def weights(self) -> None:
        """How much each place of each photo says about each view."""
        _, alphas = await self.device.cpu(lambda: self._loaded(_SEEN_SIZE))
        tensors = (self.subject.poses, self.subject.features, alphas)
        poses, features, alphas = (tensor.to(self.device.torch_device) for tensor in tensors)
        # View by view: together they would keep others from a CPU for a second.
        maps = [
            await self.networks.feature_aggregator(pose[None, None], features[None], alphas[None]) for pose in poses
        ]
        self.subject.weights = torch.cat(maps, dim=1)[0]

    async def rgb(self) -> None:
        """The person in A pose from six sides."""
        references, _ = await self.device.cpu(lambda: self._loaded(self.request.size))
        weights, poses = self.subject.weights, self.subject.poses
        pixels = await self.networks.views.rgb(references, weights, poses, **self._sampling("rgb"))
        self.subject.rgb = await self.device.cpu(lambda: self._cut_out(pixels))

    async def normals(self) -> None:
        """The surface's normals from the same sides."""
        size = self.request.size
        views = await self.device.cpu(lambda: torch.stack([loaded(view, size, size)[0] for view in self.subject.rgb]))
        pixels = await self.networks.views.normals(views, self.subject.poses, **self._sampling("normals"))
        self.subject.normals = await self.device.cpu(lambda: self._cut_out(pixels))

    def _sampling(self, stage: Stage) -> dict[str, Any]:
        """How both loops run: as asked, from a generator of their own."""
        return {
            "steps": self.request.steps,
            "guidance": self.request.guidance,
            "generator": Generator().manual_seed(self.request.seed),
            "on_tiles": self.job.warn_of_tiles,
            "progress": partial(self.job.progress, stage),
        }

    def _loaded(self, size: int) -> tuple[Tensor, Tensor]:
        """The photos as networks see them: (N, 3, size, size) on grey, and their alphas, (N, size, size)."""
        colours, alphas = zip(*(loaded(photo, size, size) for photo in self.subject.photos), strict=True)
        return torch.stack(colours), torch.stack(alphas)

    def _cut_out(self, views: Tensor) -> list[Image.Image]:
        """Generated views, (6, 3, size, size) in 0..1, with the matte of the person in them."""
        pictures = []
        for view in views:
            picture = Image.fromarray((view * 255).round().byte().permute(1, 2, 0).numpy(force=True))
            picture.putalpha(alpha_of(picture, self.networks.matting, "photos"))
            pictures.append(picture)
        return pictures

    async def mesh(self) -> None:
        """The body, deformed until it looks like the normals; then its own hands, and a surface without holes."""
        work = await self.device.run(self._reconstruction)

        def advance() -> None:
            until = time.monotonic() + _SLICE_S
            while work.done < work.total and time.monotonic() < until:
                work.advance(1)

        while work.done < work.total:
            await self.device.run(advance)
            self.job.progress("mesh", work.done, work.total)
        hands = self.networks.hands

        def finished() -> Mesh:
            parts = swap_hands(work.mesh(), self._body(), hands.face_mask, hands.near_wrist_vertex_mask)
            return sealed(parts, run=self.device.in_side_process)

        self.subject.mesh = await self.device.cpu(finished)

    def _reconstruction(self) -> Reconstruction:
        request = self.request
        return Reconstruction(
            self._body(),
            targets(self.subject.normals, request.mesh_size, reference=request.reference),
            self.networks.rasteriser,
            seed=request.seed,
            iterations=request.iterations,
            reference=request.reference,
        )

    def _body(self) -> Mesh:
        betas = self.subject.betas.to(self.device.torch_device)
        return a_pose(self.networks.body, betas, rounded=self.request.reference)

    async def colour(self) -> None:
        """The views' colours on the mesh, which from here on has no more triangles than asked for."""
        whole = self.subject.mesh.to(self.device.torch_device)
        mesh = await self.device.cpu(lambda: decimated(whole, self.request.faces, run=self.device.in_side_process))
        self.subject.coloured = await self.device.run(lambda: self._painter().coloured(mesh))

    def _painter(self) -> Painter:
        size, reference = self.request.mesh_size, self.request.reference
        return Painter(self._body(), self.subject.rgb, size, self.networks.rasteriser, reference=reference)

    async def export(self) -> None:
        """The files; the person turning, if that was asked for."""
        mesh = self._body() if self.request.body_only else self.subject.coloured.to(self.device.torch_device)
        painting = None
        if self.request.texture == "atlas" and not self.request.body_only:
            atlas = await self.device.cpu(
                lambda: unwrap(mesh, self.request.texture_size, run=self.device.in_side_process)
            )
            painting = atlas, await self._texture(mesh, atlas)
        betas = self.subject.betas.to(self.device.torch_device)
        posed = pose_a(self.networks.body, betas)
        await self.device.cpu(
            lambda: export_avatar(
                self.job.outputs,
                mesh,
                self.networks.body,
                betas,
                posed,
                painting,
                formats=self.request.formats,
                rig=self.job.export_rig,
                notice=self.networks.notice if self.job.export_rig else None,
            )
        )
        if self.request.turntable:
            await self._turn(mesh, painting)

    async def _texture(self, mesh: Mesh, atlas: Atlas) -> Image.Image:
        """The picture for the mesh's atlas, in steps between which others have the device."""
        painter = await self.device.run(self._painter)
        projection = await self.device.run(lambda: painter.projection(mesh))
        texels = await self.device.run(lambda: painter.texels(atlas, projection))
        colours = [
            await self.device.run(partial(shown, piece, projection, THRESHOLD)) for piece in texels.pieces(_TEXELS)
        ]
        texture = await self.device.run(lambda: texture_of(texels.covered, torch.cat(colours)))
        return await self.device.cpu(lambda: spread(texture, texels.covered))

    async def _turn(self, mesh: Mesh, painting: turning.Painting | None) -> None:
        rasteriser, closed = self.networks.rasteriser, not self.request.reference
        frames, pictures = turning.frames(mesh, painting, rasteriser, closed=closed), []
        for done in range(turning.FRAMES):
            pictures.append(await self.device.run(lambda: next(frames)))
            self.job.progress("turntable", done + 1, turning.FRAMES)
        await self.device.cpu(lambda: turning.write(pictures, self.job.outputs))
