"""One request from top to bottom, in the order of the paper."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from model.avatar.codes import AvatarCode
from model.avatar.cutout import alpha_of
from model.avatar.parts import of_atr_labels
from model.avatar.photos import loaded
from model.avatar.pipeline import AvatarPipeline, Stages
from model.avatar.pose_images import pose_images
from model.avatar.request import Stage
from model.engine import Job
from model.engines.up2you.files import MATTING, PARSING
from model.engines.up2you.networks import UP2YouNetworks
from model.engines.up2you.request import Request
from model.engines.up2you.views.generator import Sampling
from model.errors import InputError

_WALL = (200, 200, 200, 255)  # behind the views, for those who label photos
_SEEN_SIZE = 768  # of the photos, for features; the generated views have the size asked for


class UP2YouPipeline(AvatarPipeline):
    """The stages of one job: those that are UP2You's here, those that all engines share in `AvatarPipeline`."""

    request: Request

    def __init__(self, networks: UP2YouNetworks, request: Request, job: Job) -> None:
        super().__init__(networks.resources, request, job, reference=request.reference)
        self.networks = networks

    @property
    def view_stages(self) -> Stages:
        return {
            "features": self.features,
            "shape": self.shape,
            "poses": self.poses,
            "weights": self.weights,
            "rgb": self.rgb,
            "normals": self.normals,
        }

    async def photos(self) -> None:
        """Cut the person out of each photo and put them into the middle of a square."""
        if self.resources.matting is None and not self.request.body_only:
            message = f"the views need {MATTING} to be cut out with, and it is not there"
            raise InputError(message, code=AvatarCode.NO_MATTING, field="photos")
        await super().photos()

    async def view_parts(self) -> Tensor:
        """From labels of the six views."""
        if (parser := self.networks.parser) is None:
            message = f"parts are told apart by {PARSING}, and it is not there"
            raise InputError(message, code=AvatarCode.NO_PARSING, field="parts")

        def labelled(view: Image.Image) -> np.ndarray:
            wall = Image.new("RGBA", view.size, _WALL)
            labels = parser.labels(Image.alpha_composite(wall, view).convert("RGB"))
            return np.where(np.asarray(view.getchannel("A")) > 127, labels, np.uint8(0))

        views = self.subject.rgb
        return of_atr_labels(np.stack([await self.device.cpu(partial(labelled, view)) for view in views]))

    async def features(self) -> None:
        """What DINOv2 sees in each place of each photo."""
        seen, _ = await self.device.cpu(lambda: self.loaded_photos(_SEEN_SIZE))
        features = await self.networks.features(seen.to(self.device.torch_device))
        self.subject.features = features.contiguous()  # as read from a file: with other strides, sums differ

    async def shape(self) -> None:
        """The body's shape; an earlier avatar's stays."""
        if self.kept is not None:
            self.subject.betas = self.kept.betas
            return
        features = self.subject.features.to(self.device.torch_device)
        [betas] = await self.networks.shape_predictor(features[None])
        self.subject.betas = betas.cpu()

    async def poses(self) -> None:
        """The body's normals from six sides, which tell the views where everything goes."""
        body, rasteriser, size = self.resources.body, self.resources.rasteriser, self.request.size
        betas = self.subject.betas.to(self.device.torch_device)
        poses = await self.device.run(lambda: pose_images(body, betas, size, rasteriser))
        self.subject.poses = poses.contiguous()  # for the same reason as the features

    async def weights(self) -> None:
        """How much each place of each photo says about each view."""
        _, alphas = await self.device.cpu(lambda: self.loaded_photos(_SEEN_SIZE))
        tensors = (self.subject.poses, self.subject.features, alphas)
        poses, features, alphas = (tensor.to(self.device.torch_device) for tensor in tensors)
        # View by view: together they would keep others from a CPU for a second.
        maps = [
            await self.networks.feature_aggregator(pose[None, None], features[None], alphas[None]) for pose in poses
        ]
        self.subject.weights = torch.cat(maps, dim=1)[0]

    async def rgb(self) -> None:
        """The person in A pose from six sides."""
        references, _ = await self.device.cpu(lambda: self.loaded_photos(self.request.size))
        weights, poses = self.subject.weights, self.subject.poses
        pixels = await self.networks.views.rgb(references, weights, poses, **self._sampling("rgb"))
        self.subject.rgb = await self.device.cpu(lambda: self._with_mattes(pixels))

    async def normals(self) -> None:
        """The surface's normals from the same sides."""
        size = self.request.size
        views = await self.device.cpu(lambda: torch.stack([loaded(view, size, size)[0] for view in self.subject.rgb]))
        pixels = await self.networks.views.normals(views, self.subject.poses, **self._sampling("normals"))
        self.subject.normals = await self.device.cpu(lambda: self._with_mattes(pixels))

    def _sampling(self, stage: Stage) -> Sampling:
        """How both loops run: as asked, from a generator of their own."""
        return {
            "steps": self.request.steps,
            "guidance": self.request.guidance,
            "generator": Generator().manual_seed(self.request.seed),
            "on_tiles": self.job.warn_of_tiles,
            "progress": partial(self.job.progress, stage),
        }

    def _with_mattes(self, views: Tensor) -> list[Image.Image]:
        """Generated views, (6, 3, size, size) in 0..1, as pictures that are transparent around the person."""
        pictures = []
        for view in views:
            picture = Image.fromarray((view * 255).round().byte().permute(1, 2, 0).numpy(force=True))
            picture.putalpha(alpha_of(picture, self.resources.matting, "photos"))
            pictures.append(picture)
        return pictures
