from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import torch
from PIL import Image
from torch import Tensor, nn

from model.engine import Job, OnProgress
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall
from model.tryon.engine import TryOnEngine
from model.tryon.painter import Pass
from model.tryon.pictures import image_tensor, picture_of
from tests.mirror.request import Request as MirrorRequest

_AXES = {"across": -1, "down": -2}


class Flip(nn.Module):
    """(B, 3, H, W) and the axis of each, (B,) -> (B, 3, H, W)."""

    def forward(self, pictures: Tensor, axes: Tensor) -> Tensor:
        return torch.stack([picture.flip(int(axis)) for picture, axis in zip(pictures, axes, strict=True)])


class Mirror(TryOnEngine):
    """The garment does not matter."""

    name: ClassVar[str] = "mirror"
    Request: ClassVar[type[MirrorRequest]] = MirrorRequest

    def __init__(self, weights: Path, device: Device) -> None:
        super().__init__(weights, device)
        self.flip = device.batched(Flip())

    def masked(self, request: MirrorRequest) -> bool:
        return False

    async def paint(
        self, dressing: Pass, request: MirrorRequest, seed: int, samples: int, job: Job, progress: OnProgress
    ) -> list[Image.Image]:
        picture = image_tensor(dressing.photo)
        for i in range(request.times):
            picture = await self.flip(picture, torch.tensor([_AXES[request.axis]]))
            progress("mirror", i + 1, request.times)
        return [picture_of(picture[0])] * samples

    def resident_bytes(self, request: MirrorRequest) -> int:
        return 0

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        yield WarmCall("flip", self.flip, (torch.zeros(1, 3, height, width), torch.tensor([-1])))
