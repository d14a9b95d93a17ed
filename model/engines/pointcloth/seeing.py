"""What a photo says: the person's body, where the clothes are, and both as the fit compares them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from model.engine import Job
from model.engines.pointcloth.bodies import WornBody, read_worn_body
from model.engines.pointcloth.body_search import sought
from model.engines.pointcloth.camera import CutBox, cut_out, intrinsics, projected, square_around, within
from model.engines.pointcloth.codes import OutfitCode
from model.engines.pointcloth.fitting import Sight
from model.engines.pointcloth.masks import MaskLevels, given_mask, labelled_mask
from model.engines.pointcloth.networks import OutfitNetworks
from model.engines.pointcloth.rendering import BodyScene
from model.engines.pointcloth.request import Request
from model.errors import InputError
from model.perception.label_maps import LabelMaps
from model.pictures.alpha import over
from model.pictures.colour import srgb
from model.pictures.reading import read_picture
from model.runtime.slices import in_slices

_LOOKED_AT = 512  # pixels of the longer side that labels are found in


@dataclass(frozen=True)
class SeenPerson:
    """photo: (H, W, 3). mask: (H, W), None where nobody asked for it. camera: (3, 3), of the whole photo. box: the
    square around the body."""

    photo: NDArray[np.uint8]
    mask: MaskLevels | None
    worn: WornBody
    vertices: Tensor
    faces: Tensor
    camera: NDArray[np.float64]
    box: CutBox

    def scene(self, size: int) -> BodyScene:
        """The square around the body in pictures of this size."""
        camera = torch.from_numpy(within(self.camera, self.box, size)).to(self.vertices)
        return BodyScene(self.vertices, self.faces, camera, size)

    def picture(self, size: int) -> NDArray[np.uint8]:
        """What the square shows, on white beyond the photo's edges."""
        inside = cut_out(np.full((*self.photo.shape[:2], 1), 255, np.uint8), self.box, size).reshape(size, size, 1)
        return cut_out(self.photo, self.box, size) + (255 - inside)

    def cut_mask(self, size: int) -> NDArray[np.uint8]:
        """(size, size): what the square shows of the mask, 0 beyond the photo's edges."""
        assert self.mask is not None  # noqa: S101 - every fit asks for one
        return cut_out(self.mask, self.box, size)

    def sight(self, points: Tensor, networks: OutfitNetworks, size: int) -> Sight:
        """What the fit compares. points: (N, 3), of the body, before the camera."""
        scene, frame = self.scene(size), self.worn.frame(networks.body).to(points.device)
        rows, columns = np.nonzero(self.cut_mask(size))
        pixels = torch.from_numpy(np.stack([columns, rows], 1)).to(points)
        return Sight(scene.vertices, scene.faces, frame.upright(points), frame, pixels, scene.camera)


class Seeing:
    """Reads photos for a job."""

    def __init__(self, networks: OutfitNetworks, request: Request, job: Job) -> None:
        self._networks, self._device = networks, networks.device
        self._request, self._job = request, job

    async def person(self, field: str, mask: str | None, body: str | None, *, clothes: bool) -> SeenPerson:
        """Who is in a photo.

        Args:
            field, mask, body: names of inputs; without the last two they are found.
            clothes: whether a mask is needed.

        Raises:
            InputError: a file cannot be used, nobody is there, or nothing is there to find them with.
        """
        files, warn = self._job.inputs, self._job.warn
        photo = await self._device.cpu(lambda: np.asarray(_opened(read_picture(files[field], field, warn))))
        height, width = photo.shape[:2]
        maps = None if body and (mask or not clothes) else await self._labels(photo, field)
        shape = None
        if clothes and mask is not None:
            shape = await self._device.cpu(lambda: given_mask(files[mask], mask, (width, height), warn))
        elif clothes and maps is not None:
            shape = _enlarged(labelled_mask(maps, self._request.clothes, field), width, height)
        worn = await self._body(maps, field, body, width, height)
        return await self._device.cpu(lambda: self._seen(photo, shape, worn, field))

    async def _labels(self, photo: NDArray[np.uint8], field: str) -> LabelMaps:
        look = self._networks.look
        if look is None:
            message = f"nothing is there to find people in '{field}' with: send 'masks' and 'bodies', or add the files "
            raise InputError(message + "under perception/", code=OutfitCode.NO_MASK, field=field)
        return await look(await self._device.cpu(lambda: _smaller(photo)))

    async def _body(self, maps: LabelMaps | None, field: str, body: str | None, width: int, height: int) -> WornBody:
        drawn = self._networks.body
        if body is not None:
            return await self._device.cpu(lambda: read_worn_body(self._job.inputs[body], body, drawn))
        assert maps is not None  # noqa: S101 - looked at where no body is sent
        shrunk = maps.densepose.shape[0] / height
        search = await self._device.cpu(
            lambda: sought(drawn.model, maps.densepose, self._request.focal * shrunk, field)
        )
        await in_slices(search, self._device.cpu, partial(self._job.progress, "body"))
        self._job.warn("body_found", f"the body in '{field}' was found from what the labels show of it")
        return search.body()

    def _seen(self, photo: NDArray[np.uint8], mask: MaskLevels | None, worn: WornBody, field: str) -> SeenPerson:
        height, width = photo.shape[:2]
        camera = intrinsics(width, height, self._request.focal)
        body = self._networks.body
        vertices = worn.vertices(body)
        if float(vertices[:, 2].min()) <= 0.1:
            raise InputError("the body lies behind the camera", code=OutfitCode.BAD_BODY, field=field)
        box = square_around(vertices.double().numpy(), camera)
        shown = projected(vertices, torch.from_numpy(camera).float())[:, :2]
        size = torch.tensor([width, height])
        if not bool(((shown >= 0) & (shown < size)).all(1).any()) or box.width < 8 or box.width > 16 * max(size):
            raise InputError(f"the body is not in '{field}'", code=OutfitCode.BAD_BODY, field=field)
        to = self._device.torch_device
        return SeenPerson(photo, mask, worn, vertices.to(to), body.model.faces.to(to), camera, box)


def _opened(picture: Image.Image) -> Image.Image:
    return srgb(over(picture, "white").convert("RGB"))


def _smaller(photo: NDArray[np.uint8]) -> Image.Image:
    picture = Image.fromarray(photo)
    share = min(1.0, _LOOKED_AT / max(picture.size))
    size = max(1, round(picture.width * share)), max(1, round(picture.height * share))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _enlarged(mask: MaskLevels, width: int, height: int) -> MaskLevels:
    soft = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(soft > 127, 255, 0).astype(np.uint8)
