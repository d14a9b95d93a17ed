"""Photos as others might have taken them: mirrored, framed, lit and focused differently."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.train.parsing.network import STRIDE
from model.train.parsing.people import MAPS

Photo = NDArray[np.uint8]  # (H, W, 3)
LabelStack = NDArray[np.uint8]  # (maps, H, W)
Size = tuple[int, int]  # width, height
FrameMatrix = NDArray[np.float64]  # (2, 3)

# Made up: how photos from shops and phones differ from each other and from the generator's. None was measured alone.
_LARGEST_ZOOM, _STRETCH, _TURN = 1.5, 0.08, 8.0  # times, share, degrees
_SHARE_BLURRED, _SHARE_PACKED, _SHARE_GREY = 0.35, 0.3, 0.08
_DARKEST, _BRIGHTEST, _TINT, _CONTRAST, _NOISE = 0.6, 1.35, 0.14, 0.35, 0.035


def as_seen(photo: Photo, labels: LabelStack, size: Size) -> tuple[Photo, LabelStack]:
    """A photo stretched to `size`, and what is in the middle of each cell of the network's logits."""
    return _sampled(photo, labels, _frame(photo, 1, 1, 0, (0, 0)), size)


def varied(photo: Photo, labels: LabelStack, size: Size, rng: np.random.Generator) -> tuple[Photo, LabelStack]:
    """The same as somebody else's photo."""
    seen, names = _sampled(focused(photo, rng), labels, _random_frame(photo, rng), size)
    if rng.uniform() < 0.5:
        seen, names = mirrored(seen, names)
    return lit(seen, rng), names


def mirrored(photo: Photo, labels: LabelStack) -> tuple[Photo, LabelStack]:
    """Left and right exchanged, in names too."""
    names = [table[plane[:, ::-1]] for table, plane in zip(_OTHER_SIDE, labels, strict=True)]
    return np.ascontiguousarray(photo[:, ::-1]), np.stack(names)


def _swapping(classes: int, pairs: tuple[tuple[int, int], ...]) -> NDArray[np.uint8]:
    table = np.arange(classes, dtype=np.uint8)
    for left, right in pairs:
        table[[left, right]] = right, left
    return table


_SIDES = {
    "densepose": tuple((first, first + 1) for first in range(3, 25, 2)),
    "lip": ((14, 15), (16, 17), (18, 19)),
    "atr": ((9, 10), (12, 13), (14, 15)),
}
_OTHER_SIDE = [_swapping(classes, _SIDES[name]) for name, classes in MAPS.items()]


def _random_frame(photo: Photo, rng: np.random.Generator) -> FrameMatrix:
    """Somewhere within the photo, turned the less the more of it is seen: hardly anything beyond its borders."""
    zoom = rng.uniform(1, _LARGEST_ZOOM)
    stretch = rng.uniform(1 - _STRETCH, 1 + _STRETCH)
    turn = np.radians(rng.uniform(-_TURN, _TURN)) * (zoom - 1) / (_LARGEST_ZOOM - 1)
    across, down = min(1, stretch) / zoom, min(1, 1 / stretch) / zoom
    aside = (1 - across) * rng.uniform(-0.5, 0.5), (1 - down) * rng.uniform(-0.5, 0.5)
    return _frame(photo, across, down, turn, aside)


def _frame(photo: Photo, across: float, down: float, turn: float, aside: tuple[float, float]) -> FrameMatrix:
    """Where in the photo a picture lies whose own coordinates go from 0 to 1. Lengths are shares of the photo's."""
    height, width = photo.shape[:2]
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    axes = turned @ np.diag([across * width, down * height])
    middle = (np.array(aside) + 0.5) * [width, height]
    return np.concatenate([axes, (middle - axes @ [0.5, 0.5])[:, None]], 1)


def _sampled(photo: Photo, labels: LabelStack, frame: FrameMatrix, size: Size) -> tuple[Photo, LabelStack]:
    seen = _warped(photo, frame, size, cv2.INTER_LINEAR)
    coarse = size[0] // STRIDE, size[1] // STRIDE
    return seen, np.stack([_warped(plane, frame, coarse, cv2.INTER_NEAREST) for plane in labels])


def _warped(plane: NDArray[np.uint8], frame: FrameMatrix, size: Size, method: int) -> NDArray[np.uint8]:
    matrix = frame / [size[0], size[1], 1]
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5  # for OpenCV (0, 0) is the middle of the first pixel
    flags = method | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def focused(photo: Photo, rng: np.random.Generator) -> Photo:
    """A third of all photos are out of focus."""
    if rng.uniform() > _SHARE_BLURRED:
        return photo
    return np.asarray(cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.8)), np.uint8)


def lit(photo: Photo, rng: np.random.Generator) -> Photo:
    """Another exposure, contrast and white balance, a sensor's noise, and what a JPEG leaves of it."""
    levels = photo.astype(np.float32) / 255
    if rng.uniform() < _SHARE_GREY:
        levels = levels.mean(-1, keepdims=True).repeat(3, -1)
    gains = rng.uniform(_DARKEST, _BRIGHTEST) * rng.uniform(1 - _TINT, 1 + _TINT, 3)
    contrast = rng.uniform(1 - _CONTRAST, 1 + _CONTRAST)
    noise = rng.uniform(0, _NOISE) * rng.standard_normal(levels.shape, np.float32)
    levels = ((levels - 0.5) * contrast + 0.5) * gains.astype(np.float32) + noise
    lit_photo: Photo = (levels.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return _packed(lit_photo, int(rng.integers(30, 90))) if rng.uniform() < _SHARE_PACKED else lit_photo


def _packed(photo: Photo, quality: int) -> Photo:
    _, data = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1], np.uint8)
