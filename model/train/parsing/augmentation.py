"""Photos as others might have taken them: mirrored, framed, lit and focused differently."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.train.parsing.network import HEIGHT, STRIDE, WIDTH
from model.train.parsing.people import MAPS

Photo = NDArray[np.uint8]  # (H, W, 3)
Labels = NDArray[np.uint8]  # (maps, H, W)

_LARGEST_ZOOM, _STRETCH, _TURN = 1.35, 0.06, 5.0  # times, share, degrees
_SHARES_BLURRED = 0.35


def as_seen(photo: Photo, labels: Labels) -> tuple[Photo, Labels]:
    """A photo stretched to the network's input, and what is in the middle of each of its logits' cells."""
    height, width = photo.shape[:2]
    return _sampled(photo, labels, np.diag([width / WIDTH, height / HEIGHT])[:, [0, 1, 1]] * [1, 1, 0])


def varied(photo: Photo, labels: Labels, rng: np.random.Generator) -> tuple[Photo, Labels]:
    """The same as somebody else's photo."""
    seen, names = _sampled(_focused(photo, rng), labels, _frame(photo.shape[1], photo.shape[0], rng))
    if rng.uniform() < 0.5:
        seen, names = mirrored(seen, names)
    return _lit(seen, rng), names


def mirrored(photo: Photo, labels: Labels) -> tuple[Photo, Labels]:
    """Left and right exchanged, in names too."""
    names = [table[plane[:, ::-1]] for table, plane in zip(_OTHER_SIDE, labels, strict=True)]
    return np.ascontiguousarray(photo[:, ::-1]), np.stack(names)


def _swapping(classes: int, pairs: tuple[tuple[int, int], ...]) -> NDArray[np.uint8]:
    table = np.arange(classes, dtype=np.uint8)
    for left, right in pairs:
        table[[left, right]] = right, left
    return table


_SIDES = {
    "densepose": ((3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16), (17, 18), (19, 20), (21, 22), (23, 24)),
    "lip": ((14, 15), (16, 17), (18, 19)),
    "atr": ((9, 10), (12, 13), (14, 15)),
}
_OTHER_SIDE = [_swapping(classes, _SIDES[name]) for name, classes in MAPS.items()]


def _frame(width: int, height: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(2, 3): where in the photo each pixel of the input lies; nothing beyond its borders."""
    zoom = rng.uniform(1, _LARGEST_ZOOM)
    stretch = 1 + rng.uniform(-_STRETCH, _STRETCH)
    turn = np.radians(rng.uniform(-_TURN, _TURN)) * (1 - 1 / zoom) / (1 - 1 / _LARGEST_ZOOM)
    across, down = width / zoom * min(1, stretch), height / zoom * min(1, 1 / stretch)
    x, y = rng.uniform(0, width - across), rng.uniform(0, height - down)
    cosine, sine = np.cos(turn), np.sin(turn)
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([across / WIDTH, down / HEIGHT])
    middle = np.array([x + across / 2, y + down / 2])
    return np.concatenate([linear, (middle - linear @ [WIDTH / 2, HEIGHT / 2])[:, None]], 1)


def _sampled(photo: Photo, labels: Labels, frame: NDArray[np.float64]) -> tuple[Photo, Labels]:
    """frame: (2, 3), from the input's coordinates to the photo's, both with (0, 0) at a corner of the first pixel."""
    seen = cv2.warpAffine(photo, _of_middles(frame), (WIDTH, HEIGHT), flags=_BILINEAR, borderMode=cv2.BORDER_REPLICATE)
    coarse = _of_middles(frame * [STRIDE, STRIDE, 1])
    size = WIDTH // STRIDE, HEIGHT // STRIDE
    names = [cv2.warpAffine(plane, coarse, size, flags=_NEAREST, borderMode=cv2.BORDER_REPLICATE) for plane in labels]
    return np.asarray(seen, np.uint8), np.stack(names).astype(np.uint8)


_BILINEAR, _NEAREST = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP


def _of_middles(frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same map where (0, 0) is the middle of the first pixel, as OpenCV has it."""
    shifted = frame.copy()
    shifted[:, 2] += frame[:, :2] @ [0.5, 0.5] - 0.5
    return shifted


def _focused(photo: Photo, rng: np.random.Generator) -> Photo:
    """A third of all photos are out of focus."""
    if rng.uniform() > _SHARES_BLURRED:
        return photo
    return np.asarray(cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.8)), np.uint8)


def _lit(photo: Photo, rng: np.random.Generator) -> Photo:
    """Another exposure, contrast and white balance, and a sensor's noise."""
    levels = photo.astype(np.float32) / 255
    gains = rng.uniform(0.75, 1.25) * rng.uniform(0.9, 1.1, 3)
    contrast = rng.uniform(0.75, 1.25)
    noise = rng.uniform(0, 0.03) * rng.standard_normal(levels.shape, np.float32)
    levels = ((levels - 0.5) * contrast + 0.5) * gains.astype(np.float32) + noise
    return (levels.clip(0, 1) * 255 + 0.5).astype(np.uint8)
