"""What a job leaves in its outputs."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from model.clothes.arrays import Floats
from model.engine import Job
from model.engines.pointcloth.appearance.fitting import THRESHOLD, painted
from model.engines.pointcloth.appearance.network import RenderingNetwork
from model.engines.pointcloth.bodies import WornBody, as_json
from model.engines.pointcloth.body import DrapedBody
from model.engines.pointcloth.cleaning import before_body
from model.engines.pointcloth.codes import OutfitCode
from model.engines.pointcloth.files_of_clouds import write_cloud_ply, write_discs_glb, write_surface_glb
from model.engines.pointcloth.looks import Wrapping
from model.engines.pointcloth.outfit import FittedOutfit
from model.engines.pointcloth.rendering import BodyScene, RGBArray, Shown, over, seen_in, shown, turned
from model.engines.pointcloth.request import Request
from model.engines.pointcloth.seeing import SeenPerson
from model.errors import InputError
from model.mesh.video import write_video
from model.runtime.device import Device

_PLAIN = (0.30, 0.45, 0.72)  # of an outfit whose colours nobody knows
_SEVERAL = ((0.83, 0.37, 0.1), (0.3, 0.55, 0.3), (0.3, 0.45, 0.72), (0.6, 0.35, 0.6))  # of several such, to tell apart
_TURNS, _FPS = 36, 12  # a turn every 10 degrees, once around in 3 s
_LARGEST_PHOTO_SIDE = 2048  # of the square that a photo's outfit is drawn in


class OutfitResults:
    """Files and pictures of one job."""

    def __init__(self, device: Device, request: Request, job: Job) -> None:
        self._device, self._request, self._job = device, request, job
        self._film: list[RGBArray] = []

    async def write(self, outfit: FittedOutfit, body: DrapedBody, worn: WornBody) -> None:
        """`outfit.npz`, `body.json`, and the cloud on the ground as PLY and GLB."""
        await self._device.cpu(lambda: self._write(outfit, body, worn))

    def _write(self, outfit: FittedOutfit, body: DrapedBody, worn: WornBody) -> None:
        folder, request = self._job.outputs, self._request
        vertices = worn.frame(body).upright(worn.vertices(body)).numpy()
        ground = np.array([0, vertices[:, 1].min(), 0], np.float32)
        points, vertices = outfit.points - ground, vertices - ground
        if "glb" in request.formats and request.surface == "discs":
            write_discs_glb(folder / "outfit.glb", points, outfit.colours, vertices)
        elif "glb" in request.formats:
            run = self._device.in_side_process
            write_surface_glb(folder / "outfit.glb", points, outfit.colours, vertices, run=run)
        if "ply" in request.formats:
            write_cloud_ply(folder / "outfit.ply", points, outfit.colours)
        outfit.save(folder / "outfit.npz")
        (folder / "body.json").write_text(as_json(worn), encoding="utf-8")

    async def on_picture(
        self, scene: BodyScene, cloud: Tensor, outfit: FittedOutfit, picture: RGBArray | None, name: str
    ) -> None:
        """The outfit on a square picture, or on the grey body."""
        worn = await self._device.run(lambda: self._shown(scene, cloud, outfit))
        under = scene.grey if picture is None else picture
        await self._device.cpu(lambda: Image.fromarray(over(under, worn)).save(self._job.outputs / name))

    async def on_photo(self, person: SeenPerson, cloud: Tensor, outfit: FittedOutfit) -> None:
        """`worn.png` (or `jpg`, `webp`): the whole photo, the person wearing the outfit."""
        side = min(_LARGEST_PHOTO_SIDE, -(-max(person.box.width, 16) // 16) * 16)
        scene = person.scene(side)
        worn = await self._device.run(lambda: self._shown(scene, cloud, outfit))
        await self._device.cpu(lambda: self._save_photo(person, worn))

    def _save_photo(self, person: SeenPerson, worn: Shown) -> None:
        box, photo = person.box, person.photo.astype(np.float32)
        planes = np.dstack([255 * worn.colours.numpy(force=True), worn.alpha.numpy(force=True)])
        planes = cv2.resize(planes, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
        height, width = photo.shape[:2]
        left, top, right, bottom = max(box.left, 0), max(box.top, 0), min(box.right, width), min(box.bottom, height)
        part = planes[top - box.top : bottom - box.top, left - box.left : right - box.left]
        alpha = part[..., 3:]
        photo[top:bottom, left:right] = photo[top:bottom, left:right] * (1 - alpha) + part[..., :3] * alpha
        output = self._request.output
        suffix = {"jpeg": "jpg"}.get(output.format, output.format)
        picture = Image.fromarray((photo + 0.5).clip(0, 255).astype(np.uint8))
        picture.save(self._job.outputs / f"worn.{suffix}", quality=output.quality or 95)

    async def turntable(self, scene: BodyScene, cloud: Tensor, outfit: FittedOutfit) -> None:
        """`turntable.webm`: once around, on the grey body."""
        pictures = []
        for i in range(_TURNS):
            angle = 2 * np.pi * i / _TURNS

            def picture(angle: float) -> RGBArray:
                of_body, of_cloth = turned(scene, cloud, angle)
                return over(of_body.grey, self._shown(of_body, of_cloth, outfit))

            pictures.append(await self._device.run(partial(picture, angle)))
            self._job.progress("turntable", i + 1, _TURNS)
        await self._device.cpu(lambda: write_video(pictures, self._job.outputs / "turntable.webm", _FPS))

    async def filmed(self, scene: BodyScene, clouds: list[Tensor], picture: RGBArray | None) -> None:
        """Keep one picture of these clouds for a film."""

        def drawn() -> RGBArray:
            frame = scene.grey if picture is None else picture
            for cloud, colour in zip(clouds, _SEVERAL if len(clouds) > 1 else (_PLAIN,), strict=False):
                frame = over(frame, shown(scene, cloud, torch.tensor(colour).expand(len(cloud), 3).to(cloud)))
            return frame

        self._film.append(await self._device.run(drawn))

    async def film(self, name: str) -> None:
        """Write what was kept."""
        pictures, self._film = self._film, []
        await self._device.cpu(lambda: write_video(pictures, self._job.outputs / name, _FPS))

    def _shown(self, scene: BodyScene, cloud: Tensor, outfit: FittedOutfit) -> Shown:
        """By the rendering network if the outfit has one, else as discs."""
        if outfit.network and outfit.descriptors is not None and len(outfit.descriptors) == len(cloud):
            return self._painted(scene, cloud, outfit.descriptors, outfit)
        if outfit.texture is None or outfit.places is None:
            return shown(scene, cloud, torch.tensor(_PLAIN).expand(len(cloud), 3).to(cloud))
        return Wrapping(outfit.points, outfit.places).painted(scene, cloud, outfit.texture)

    def _painted(self, scene: BodyScene, cloud: Tensor, descriptors: Floats, outfit: FittedOutfit) -> Shown:
        network = RenderingNetwork()
        try:
            network.load_state_dict({name: torch.from_numpy(array) for name, array in outfit.network.items()})
        except (RuntimeError, TypeError) as error:
            message = "'outfit' has a rendering network of another form"
            raise InputError(message, code=OutfitCode.BAD_OUTFIT, field="outfit") from error
        seen = seen_in(scene, cloud, THRESHOLD)
        side = scene.size - scene.size % 16
        found = painted(network.to(cloud.device).float(), torch.from_numpy(descriptors).to(cloud), seen, side)
        mask = found.mask * before_body(seen, THRESHOLD)[..., :side, :side]
        return Shown(found.colours[0].permute(1, 2, 0), mask[0, 0])
