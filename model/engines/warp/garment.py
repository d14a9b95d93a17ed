"""The flat garment: cut out, its colours carried on around it, and as fine as it is going to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.engines.warp.cutout import Alpha, Levels, carried_on, garment_alpha
from model.engines.warp.inputs import HEIGHT, WIDTH
from model.engines.warp.sleeves import Sleeve, resting_sleeves

_ASPECT = WIDTH / HEIGHT
_OUTLINED_AT = 512  # pixels of height
_AROUND = 12  # of these pixels, left around a garment whose sleeves were spread

Plane = TypeVar("Plane", NDArray[np.uint8], NDArray[np.float32])


@dataclass(frozen=True)
class FlatGarment:
    """A picture of a garment on an even ground, padded to the networks' aspect.

    picture: (H, W, 3). alpha: (h, w) of a size at which outlines are fine enough. size: (width, height) as the client
    sent it. corner: where that began in this picture, pixels. sleeves: that were spread in it. seen: alpha without what
    lies between those and the trunk: there was no ground, so whatever is seen through it is cloth.
    """

    picture: Levels
    alpha: Alpha
    size: tuple[int, int]
    corner: tuple[int, int]
    sleeves: tuple[Sleeve, ...] = ()
    seen: Alpha | None = None

    @classmethod
    def of(cls, picture: Levels) -> FlatGarment:
        """The picture on a canvas of the networks' aspect, in its own border's colour."""
        height, width = picture.shape[:2]
        across, down = _canvas(width, height)
        left, top = (across - width) // 2, (down - height) // 2
        canvas = cv2.copyMakeBorder(
            picture,
            *(top, down - height - top, left, across - width - left),
            cv2.BORDER_CONSTANT,
            value=_ground(picture),
        )
        alpha = garment_alpha(_outlined(np.asarray(canvas, np.uint8)))
        return cls(np.asarray(canvas, np.uint8), alpha, (width, height), (left, top))

    def spread(self) -> FlatGarment:
        """The same with long sleeves away from the trunk, on a canvas as large as that needs."""
        found = resting_sleeves(self.alpha)
        if found is None:
            return self
        scale = len(self.picture) / len(self.alpha)
        (left, top), (across, down) = _room(self.alpha, found, scale)
        sleeves = tuple(sleeve.scaled(scale).moved(-left, -top) for sleeve in found)
        places = np.stack(np.meshgrid(np.arange(across), np.arange(down)), -1).astype(np.float32)
        between = np.zeros((down, across), np.bool_)
        for sleeve in sleeves:
            part = slice(None, int(sleeve.armpit[0])) if sleeve.side < 0 else slice(int(sleeve.armpit[0]), None)
            between[:, part] = sleeve.between(places[:, part])
            places[:, part] = sleeve.back(places[:, part])
        places += np.array([left, top], np.float32)
        x, y = (np.ascontiguousarray(plane) for plane in (places[..., 0], places[..., 1]))
        picture = cv2.remap(self.picture, x, y, cv2.INTER_LINEAR, borderValue=_ground(self.picture))
        alpha = cv2.remap(self.alpha, x / scale, y / scale, cv2.INTER_LINEAR, borderValue=0.0)
        whole, seen = (_outlined(np.asarray(one, np.float32)) for one in (alpha, alpha * ~between))
        corner = self.corner[0] - left, self.corner[1] - top
        return FlatGarment(np.asarray(picture, np.uint8), whole, self.size, corner, sleeves, seen)

    def for_networks(self) -> tuple[Tensor, Tensor]:
        """Colours, (1, 3, HEIGHT, WIDTH) in [-1, 1], and alpha, (1, 1, HEIGHT, WIDTH)."""
        return self._at(WIDTH, HEIGHT, self.alpha if self.seen is None else self.seen)

    def for_flow(self, flow: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Colours and alpha, no finer than a picture of `size`, (height, width), shows them through this flow."""
        height, width = self.picture.shape[:2]
        rows, columns = flow.shape[2:]
        across = (flow[:, 0, :, 1:] - flow[:, 0, :, :-1]).abs().median().item() * columns / size[1] * width / 2
        down = (flow[:, 1, 1:] - flow[:, 1, :-1]).abs().median().item() * rows / size[0] * height / 2
        finer = max(1.0, (across * down) ** 0.5)  # of its pixels a pixel of the photo
        return self.at(*(max(1, round(side / finer)) for side in (width, height)))

    def as_sent(self, flow: Tensor) -> NDArray[np.float32]:
        """(h, w, 2): places on the canvas, (1, 2, h, w), as places in the picture that the client sent."""
        height, width = self.picture.shape[:2]
        shares = np.asarray((flow[0].permute(1, 2, 0).numpy() + 1) / 2, np.float32)
        places: NDArray[np.float32] = shares * np.array([width, height], np.float32) - np.float32(0.5)
        for sleeve in self.sleeves:
            places = sleeve.back(places)
        return np.asarray((places - self.corner + 0.5) / self.size * 2 - 1, np.float32)

    def at(self, width: int, height: int) -> tuple[Tensor, Tensor]:
        """Colours, (1, 3, height, width) in [-1, 1], carried on around it, and alpha, (1, 1, height, width)."""
        return self._at(width, height, self.alpha)

    def _at(self, width: int, height: int, alpha: Alpha) -> tuple[Tensor, Tensor]:
        picture, alpha = _resized(self.picture, width, height), _resized(alpha, width, height)
        colours = torch.from_numpy(carried_on(picture, alpha)).permute(2, 0, 1)[None].float() / 127.5 - 1
        return colours, torch.from_numpy(alpha)[None, None]


def _canvas(width: int, height: int) -> tuple[int, int]:
    """The smallest of the networks' aspect that holds this."""
    return max(width, round(height * _ASPECT)), max(height, round(width / _ASPECT))


def _room(alpha: Alpha, sleeves: tuple[Sleeve, ...], scale: float) -> tuple[list[int], tuple[int, int]]:
    """Corner and size, pixels of the picture, of a canvas for the outline with its sleeves spread."""
    outline = np.argwhere(alpha > 0.5)[:, ::-1].astype(np.float32)
    for sleeve in sleeves:
        outline = sleeve.turned(outline)
    low, high = outline.min(0) - _AROUND, outline.max(0) + _AROUND
    size = _canvas(*np.ceil((high - low) * scale).astype(int).tolist())
    corner = (low + high) / 2 * scale - np.array(size) / 2
    return corner.round().astype(int).tolist(), size


def _outlined(plane: Plane) -> Plane:
    """Of a size at which outlines are fine enough."""
    height, width = plane.shape[:2]
    scale = min(1.0, _OUTLINED_AT / height)
    return _resized(plane, round(width * scale), round(height * scale))


def _ground(picture: Levels) -> list[int]:
    """The border's colour."""
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return [int(level) for level in np.median(border, 0)]


def _resized(plane: Plane, width: int, height: int) -> Plane:
    how = cv2.INTER_AREA if height < len(plane) else cv2.INTER_LINEAR
    return cast("Plane", cv2.resize(plane, (width, height), interpolation=how))
