"""From a photo to the mask that a kind of garment needs, by the mask maker that is there or asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from model.engine import Job
from model.errors import InputError
from model.perception.label_maps import CachedLook, LabelMaps, onnx_providers
from model.perception.label_tables import Labels
from model.perception.skeletons import Joints
from model.pictures.colour import srgb
from model.runtime.device import Device
from model.tryon.codes import TryOnCode
from model.tryon.crop import person_in
from model.tryon.maskers.edits import Edits, edited
from model.tryon.maskers.makers import Maker, MakerName, Mask, Seen
from model.tryon.maskers.opening import NEEDS, missing, open_makers
from model.tryon.maskers.people import largest_person
from model.tryon.pictures import Box, black_and_white
from model.tryon.request import Category, TryOnRequest


@dataclass(frozen=True)
class Found:
    """A mask (L, 0 or 255) at the photo's size, white where to paint; who made it; whether others are in the photo."""

    mask: Image.Image
    maker: MakerName
    alone: bool


class Masker:
    """Finds where to paint. Without any maker's weights it only says so.

    Args:
        preferred: the makers in the order in which they are asked, where a request names none. The first is the
            engine's own.
    """

    def __init__(
        self, weights: Path, device: Device, preferred: Sequence[MakerName] = ("published", "pose", "parser")
    ) -> None:
        self._device = device
        self._weights = weights
        self._preferred = preferred
        makers = open_makers(weights, onnx_providers(device))
        self.makers: dict[MakerName, Maker] = {name: makers[name] for name in preferred if name in makers}
        self._looking = {name: CachedLook(maker.look, device) for name, maker in self.makers.items()}

    @property
    def categories(self) -> Mapping[MakerName, frozenset[Category]]:
        """What each maker that is there answers."""
        return {name: maker.categories for name, maker in self.makers.items()}

    async def for_job(self, photo: Image.Image, category: Category, request: TryOnRequest, job: Job) -> Image.Image:
        """The mask a request asks for; the job learns who made it and what is to be known about it."""
        edits = Edits(request.mask_grow, request.mask_shape, tuple(request.keep))
        found = await self(photo, category, request.masker, edits)
        job.settings["masker"] = found.maker
        if found.maker != self._preferred[0]:
            job.warn(
                "mask_not_published", f"the mask was made by '{found.maker}', not as the engine's authors made theirs"
            )
        if not found.alone:
            job.warn("several_people", "several people are in the photo: the largest is dressed")
        return found.mask

    async def __call__(
        self, photo: Image.Image, category: Category, wanted: MakerName | None = None, edits: Edits | None = None
    ) -> Found:
        """The mask for a garment of this category.

        Args:
            wanted: the maker to ask; by default the first that answers for the category.

        Raises:
            InputError: `no_automask`, `category_unanswered`, `no_person`, `mask_empty` or `mask_covers_all`.
        """
        maker = self._maker(category, wanted)
        picture = await self._device.cpu(lambda: srgb(photo.convert("RGB")))
        seen = await self._looking[maker.name](picture)
        return await self._device.cpu(partial(found, maker, seen, category, photo.size, edits or Edits()))

    def _maker(self, category: Category, wanted: MakerName | None) -> Maker:
        if wanted is not None and wanted not in self.makers:
            message = f"mask maker '{wanted}' is not there: it needs {', '.join(missing(wanted, self._weights))}"
            raise InputError(message, code=TryOnCode.NO_AUTOMASK, field="masker")
        if not self.makers:
            absent = missing(self._preferred[0], self._weights)[0]
            message = f"no mask was sent, and {absent} is not there to find one: send a 'mask'"
            raise InputError(message, code=TryOnCode.NO_AUTOMASK, field="mask")
        asked = [self.makers[wanted]] if wanted is not None else list(self.makers.values())
        for maker in asked:
            if category in maker.categories:
                return maker
        names = ", ".join(repr(maker.name) for maker in asked)
        message = f"{names} cannot tell what category '{category}' needs: send a 'mask', or add the files of another: "
        message += ", ".join(NEEDS["published"])
        raise InputError(message, code=TryOnCode.CATEGORY_UNANSWERED, field="category")

    async def clothes(self, garment: Image.Image) -> Labels | None:
        """ATR's names of what an RGB and sRGB picture of a garment shows; None: there is no parser."""
        maker = next(iter(self.makers.values()), None)
        return None if maker is None else await self._device.cpu(lambda: maker.clothes(garment))

    async def labels(self, photo: Image.Image) -> LabelMaps | None:
        """What the maker that is asked first sees in the photo, at a size of its own; None: there is no maker."""
        if not self._looking:
            return None
        look = next(iter(self._looking.values()))
        seen = await look(await self._device.cpu(lambda: srgb(photo.convert("RGB"))))
        left, top, right, bottom = seen.part
        densepose, lip, atr = (
            labels[top:bottom, left:right] for labels in (seen.maps.densepose, seen.maps.lip, seen.maps.atr)
        )
        return LabelMaps(densepose, lip, atr)

    async def joints(self, photo: Image.Image) -> Joints | None:
        """(18, 3), COCO-18 in pixels of the photo, of whoever is dressed in it; None: nobody here finds any."""
        look = self._looking.get("pose")
        seen = None if look is None else await look(await self._device.cpu(lambda: srgb(photo.convert("RGB"))))
        if seen is None or seen.joints is None:
            return None
        left, top, right, bottom = seen.part
        scale = [photo.width / (right - left), photo.height / (bottom - top), 1]
        return np.asarray((seen.joints - [left, top, 0]) * scale)

    async def person(self, photo: Image.Image, mask: Image.Image) -> Box | None:
        """Around the person that a mask (L, of the photo's size) is on; None if nobody can say or nobody is found."""
        maps = await self.labels(photo)
        if maps is None:
            return None
        bodies = maps.densepose > 0 if maps.densepose.any() else maps.atr > 0
        return await self._device.cpu(lambda: person_in(bodies, mask, photo.size))


def found(maker: Maker, seen: Seen, category: Category, size: tuple[int, int], edits: Edits) -> Found:
    """The mask at `size`, if it is one that can be worked with."""
    person = largest_person(seen.maps) if seen.somebody else None
    if person is None:
        raise InputError("nobody was found in the photo", code=TryOnCode.NO_PERSON, field="person")
    own = Seen(person.maps, seen.part, seen.joints)
    mask = edited(maker.mask(own, category), edits, person.maps) & ~person.others
    left, top, right, bottom = seen.part
    mask = mask[top:bottom, left:right]
    if not mask.any():
        message = f"nothing was found where a garment of category '{category}' goes: send a 'mask'"
        raise InputError(message, code=TryOnCode.MASK_EMPTY, field="mask")
    if mask.all():
        message = f"the automatic mask for category '{category}' leaves nothing of the person: send a 'mask'"
        raise InputError(message, code=TryOnCode.MASK_COVERS_ALL, field="mask")
    return Found(at_size(picture_of(mask), size), maker.name, person.alone)


def picture_of(mask: Mask) -> Image.Image:
    """(H, W) as 0 or 255."""
    return Image.fromarray(mask.astype(np.uint8) * np.uint8(255))


def at_size(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The mask enlarged with smooth outlines, still black and white."""
    if mask.size == size:
        return mask
    return black_and_white(mask.resize(size, Resampling.BILINEAR))
