"""The flat garment: cut out, its colours carried on around it, and as fine as it is going to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.engines.warp.cutout import Alpha, Levels, carried_on, garment_alpha
from model.engines.warp.inputs import HEIGHT, WIDTH

_ASPECT = WIDTH / HEIGHT
_OUTLINED_AT = 512  # pixels of height

Plane = TypeVar("Plane", NDArray[np.uint8], NDArray[np.float32])


@dataclass(frozen=True)
class FlatGarment:
    """A picture of a garment on an even ground, padded to the networks' aspect.

    picture: (H, W, 3). size: (width, height) as the client sent it.
    """

    picture: Levels
    size: tuple[int, int]

    @classmethod
    def of(cls, picture: Levels) -> FlatGarment:
        """The picture on a canvas of the networks' aspect, in its own border's colour."""
        height, width = picture.shape[:2]
        across, down = max(width, round(height * _ASPECT)), max(height, round(width / _ASPECT))
        left, top = (across - width) // 2, (down - height) // 2
        ground = np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]), 0)
        canvas = cv2.copyMakeBorder(
            picture,
            *(top, down - height - top, left, across - width - left),
            cv2.BORDER_CONSTANT,
            value=[int(level) for level in ground],
        )
        return cls(np.asarray(canvas, np.uint8), (width, height))

    @cached_property
    def alpha(self) -> Alpha:
        """(h, w) of a size at which outlines are fine enough."""
        height, width = self.picture.shape[:2]
        scale = min(1.0, _OUTLINED_AT / height)
        return garment_alpha(_resized(self.picture, round(width * scale), round(height * scale)))

    def for_networks(self) -> tuple[Tensor, Tensor]:
        """Colours, (1, 3, HEIGHT, WIDTH) in [-1, 1], and alpha, (1, 1, HEIGHT, WIDTH)."""
        return self.at(WIDTH, HEIGHT)

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
        scale = torch.tensor([width / self.size[0], height / self.size[1]])
        return np.ascontiguousarray((flow[0].permute(1, 2, 0) * scale).numpy())

    def at(self, width: int, height: int) -> tuple[Tensor, Tensor]:
        """Colours, (1, 3, height, width) in [-1, 1], carried on around it, and alpha, (1, 1, height, width)."""
        picture, alpha = _resized(self.picture, width, height), _resized(self.alpha, width, height)
        colours = torch.from_numpy(carried_on(picture, alpha)).permute(2, 0, 1)[None].float() / 127.5 - 1
        return colours, torch.from_numpy(alpha)[None, None]


def _resized(plane: Plane, width: int, height: int) -> Plane:
    how = cv2.INTER_AREA if height < len(plane) else cv2.INTER_LINEAR
    return cast("Plane", cv2.resize(plane, (width, height), interpolation=how))
