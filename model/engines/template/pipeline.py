"""One request from top to bottom: what the photos' pixels show, who wears what, and the same person in A pose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from model.avatar.painting import MeshPainter
from model.avatar.parts import of_layers
from model.avatar.pipeline import AvatarPipeline, Stages
from model.engine import Job
from model.engines.template.body_features import counts, pooled
from model.engines.template.gathering import Keys
from model.engines.template.labels import LabelledPixels
from model.engines.template.networks import TemplateNetworks
from model.engines.template.outfit import Outfit, found
from model.engines.template.parsed import CLASSES, STRIDE
from model.engines.template.photo_detail import CloserPhotos, PhotoPainter
from model.engines.template.request import Request
from model.engines.template.views import ViewPixels, normal_pictures, painted, view_geometry

_AREA = Image.Resampling.BOX
SEEN_SIZE = 128  # of the photos, as the place network was trained
GATHERED_SIZE = 256  # of the photos, as colours are taken from them


class TemplatePipeline(AvatarPipeline):
    """The stages of one job: those that are this engine's here, those that all engines share in `AvatarPipeline`."""

    request: Request

    def __init__(self, networks: TemplateNetworks, request: Request, job: Job) -> None:
        super().__init__(networks.resources, request, job)
        self.networks = networks
        self._closer: CloserPhotos | None = None

    @property
    def view_stages(self) -> Stages:
        return {
            "features": self.features,
            "shape": self.shape,
            "poses": self.poses,
            "rgb": self.rgb,
            "normals": self.normals,
        }

    async def features(self) -> None:
        """What each pixel of each photo shows."""
        photos = await self.device.cpu(lambda: self._photos(SEEN_SIZE))
        parsed = await self.device.cpu(lambda: self._parsed(photos))
        device, dtype = self.device.torch_device, self.device.dtype
        labels = await self.networks.labels(photos.to(device, dtype), parsed.to(device, dtype))
        self.subject.features = labels.float().cpu().permute(0, 2, 3, 1).contiguous()

    def _photos(self, size: int) -> Tensor:
        """(N, 4, size, size): colours times alpha, and alpha."""
        photos = [photo.convert("RGBa").resize((size, size), _AREA) for photo in self.subject.photos]
        return torch.from_numpy(np.stack([np.asarray(photo) for photo in photos])).permute(0, 3, 1, 2).float() / 255

    def _parsed(self, photos: Tensor) -> Tensor:
        """(N, 3, S/2, S/2): what label networks say of the photos, nothing if there are none."""
        if (parsers := self.networks.parsers) is None:
            return torch.zeros(len(photos), len(CLASSES), SEEN_SIZE // STRIDE, SEEN_SIZE // STRIDE)
        seen = photos.permute(0, 2, 3, 1).numpy()
        return torch.from_numpy(np.stack([parsers(photo) for photo in seen])).float()

    async def shape(self) -> None:
        """The body's shape, from how wide the body is where."""
        outfit = await self.device.cpu(self.outfit)
        self.subject.betas = torch.tensor(outfit.betas)  # where torch begins its tensors, as one read from a file

    async def poses(self) -> None:
        """The person from six sides, in clothes of the cut that the photos show: normals, layers and places."""

        def geometry() -> Tensor:
            body, wardrobe = self.resources.body, self.networks.wardrobe
            return view_geometry(body, wardrobe, self.outfit(), self.request.size)

        self.subject.poses = await self.device.cpu(geometry)

    def outfit(self) -> Outfit:
        """Who wears what, as far as the photos' labels say; an earlier avatar's shape stays."""
        pixels = LabelledPixels.of(self.subject.features)
        outfit = found(self.networks.outfit, pooled([counts(*photo) for photo in pixels.each()]))
        return outfit if self.kept is None else replace(outfit, betas=self.kept.betas.numpy())

    async def rgb(self) -> None:
        """Colours for the six views, gathered from the photos' pixels that show the same places."""

        def colours() -> Keys:
            pixels = LabelledPixels.of(self.subject.features)
            pixels = pixels.looked_closer_at(self._photos(GATHERED_SIZE).permute(0, 2, 3, 1).numpy())
            return Keys.of(pixels, pixels.decided(dress=self.outfit().dress))

        keys = await self.device.cpu(colours)
        self.subject.rgb = await self.device.cpu(lambda: painted(ViewPixels.of(self.subject.poses), keys))

    async def colour(self) -> None:
        """Colours of the vertices, from the photos where these show them."""
        await self._look_closer()
        await super().colour()

    async def export(self) -> None:
        """The files, with a texture from the photos where these show what it is of."""
        if not self.request.body_only:
            await self._look_closer()
        await super().export()

    async def _look_closer(self) -> None:
        if self._closer is None:
            self._closer = await self.device.cpu(self._photos_closer)

    def _photos_closer(self) -> CloserPhotos:
        pixels = LabelledPixels.of(self.subject.features)
        gains = pixels.gains(self._photos(SEEN_SIZE).permute(0, 2, 3, 1).numpy())
        layers, view = pixels.decided(dress=self.outfit().dress), ViewPixels.of(self.subject.poses)
        return CloserPhotos.of(self.subject.photos, pixels, layers, view, gains)

    def painter(self) -> MeshPainter:
        """What paints meshes in the colours of the six views and, where these are known, of the photos."""
        size, rasteriser = self.request.mesh_size, self.resources.rasteriser
        return PhotoPainter(self.body(), self.subject.rgb, size, rasteriser, self._closer)

    async def view_parts(self) -> Tensor:
        return await self.device.cpu(lambda: of_layers(ViewPixels.of(self.subject.poses).layers))

    async def normals(self) -> None:
        """The normals of the same six views."""
        self.subject.normals = await self.device.cpu(lambda: normal_pictures(ViewPixels.of(self.subject.poses)))
