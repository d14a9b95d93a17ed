"""One pass of a try-on: the one thing that engines do each in their own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image

from model.engine import Job, OnProgress
from model.runtime.device import Device
from model.tryon.masker import Masker
from model.tryon.maskers.makers import MakerName
from model.tryon.pictures import Box, Size
from model.tryon.repaint import paste_back
from model.tryon.request import Category, TryOnRequest


@dataclass(frozen=True)
class Pass:
    """A garment goes onto a photo."""

    photo: Image.Image  # upright, RGB in the space of its profile, which `tryon_tensors` brings to sRGB
    garment: Image.Image  # RGB, sRGB
    mask: Image.Image | None  # of the photo's size, white where to paint; None: the engine needs none
    category: Category
    box: Box | None = None  # which part of the photo is painted, maybe beyond it; None: the centred one
    start: Image.Image | None = None  # of that part, as large as is painted, where sampling starts; None: in noise


class Painter(ABC):
    """Paints a garment onto a person."""

    name: ClassVar[str]
    Request: ClassVar[type[TryOnRequest]]
    mask_makers: ClassVar[Sequence[MakerName]] = ("published", "pose", "parser")  # the engine's own first

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        self.masker = Masker(weights, device, self.mask_makers)

    @abstractmethod
    async def paint(
        self, dressing: Pass, request: Any, seed: int, samples: int, job: Job, progress: OnProgress
    ) -> list[Image.Image]:
        """The person wearing the garment, RGB, as often as there are samples.

        Args:
            request: an instance of `Request`; seed, samples and garments are those of the pass, not the request's.
            seed: of the first sample; sample i is what `seed` + i alone would give.
            progress: told how far this pass is.

        Returns:
            Pictures of `size` in sRGB that show the pass's part of the photo.
        """

    def pasted(self, dressing: Pass, painted: Image.Image, max_pixels: int) -> Image.Image:
        """What `paint` returned back in its photo, which is shrunk to `max_pixels` first."""
        return paste_back(dressing.photo, painted, dressing.mask, max_pixels, dressing.box)

    def size(self, request: Any) -> Size:
        """Of the pictures it paints: width, height."""
        return request.width, request.height

    def stretches(self, request: Any) -> bool:
        """Whether it is shown the whole photo, stretched to `size`."""
        return False

    def check(self, request: Any) -> None:  # noqa: B027 - most can do all that their requests can say
        """Raise `InputError` if what is loaded cannot do it; the pictures have not been looked at yet."""

    def masked(self, request: Any) -> bool:
        """Whether it paints within a mask."""
        return True
