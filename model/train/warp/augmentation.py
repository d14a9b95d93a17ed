"""The same example as somebody else might have taken it, or as other networks might have labelled it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from model.engines.warp.cutout import carried_on, garment_alpha
from model.train.warp.samples import Bytes, Floats, Sample

Level = TypeVar("Level", bound=np.generic)
Matrix = NDArray[np.float64]  # (2, 3)

_OTHER_SIDE = np.arange(25, dtype=np.uint8)
_OTHER_SIDE[3:] = np.arange(3, 25).reshape(-1, 2)[:, ::-1].ravel()  # DensePose's left and right

_OTHER_LIMB = np.arange(18, dtype=np.uint8)
_OTHER_LIMB[[9, 10, 12, 13, 14, 15]] = [10, 9, 13, 12, 15, 14]  # ATR's shoes, legs and arms

# Made up: how photos from shops and phones differ from each other and from the generator's, and how other networks'
# labels and masks differ from the true ones. None was measured alone.
_FRAMES = (0.75, 1.9)  # of the photo's size: from farther away to a part of it
_GARMENT_SIZES, _GARMENT_STRETCH, _GARMENT_TURN = (0.55, 1.3), 0.15, 6.0  # about one, either way, degrees
_SHARE_FRAMED, _SHARE_GARMENT_MOVED, _SHARE_CUT_OUT, _SHARE_MASK_GROWN, _SHARE_BOXED = 0.5, 0.6, 0.3, 0.15, 0.05
_SHARE_NEARLY_WHITE, _GREYEST = 0.5, 90
_SHARE_SHADED, _SHADOW, _SHADOW_CELLS = 0.3, 0.2, (3, 4)  # standard deviation of the light's logarithm, cells of it
_SHARE_JPEG, _JPEG_QUALITIES = 0.35, (25, 90)


def varied(sample: Sample, rng: np.random.Generator) -> Sample:
    """Framed, cut out, masked, lit and mirrored at random."""
    if rng.uniform() < _SHARE_CUT_OUT:
        sample = _cut_out(sample, rng)
    if rng.uniform() < _SHARE_GARMENT_MOVED:
        sample = _garment_moved(sample, rng)
    if rng.uniform() < _SHARE_FRAMED:
        sample = _framed(sample, rng)
    sample = _other_mask(sample, rng)
    sample = _lit(sample, rng)
    return mirrored(sample) if rng.uniform() < 0.5 else sample


def mirrored(sample: Sample) -> Sample:
    """Photo and garment both."""
    turned: dict[str, Any] = {
        name: value[:, ::-1] for name, value in vars(sample).items() if isinstance(value, np.ndarray)
    }
    turned["flow"] = turned["flow"] * np.array([-1, 1], np.float32)
    turned["densepose"] = _OTHER_SIDE[turned["densepose"]]
    turned |= {name: _OTHER_LIMB[turned[name]] for name in ("atr", "worn")}
    return replace(sample, **turned)


def _cut_out(sample: Sample, rng: np.random.Generator) -> Sample:
    """The garment on an even ground of another colour, found as it is for a request."""
    darkest = 225 if rng.uniform() < _SHARE_NEARLY_WHITE else _GREYEST
    ground = rng.uniform(darkest, 256) * np.ones(3) + rng.uniform(-8, 8, 3)
    alpha = sample.alpha[..., None]
    picture = sample.flat * alpha + ground.clip(0, 255) * (1 - alpha)
    levels = (picture + rng.normal(0, 0.6, picture.shape)).clip(0, 255).astype(np.uint8)
    found = garment_alpha(levels)
    return replace(sample, alpha=found, flat=carried_on(levels, found))


def _garment_moved(sample: Sample, rng: np.random.Generator) -> Sample:
    """The flat picture taken from farther or nearer, not centred, a little turned, the garment of another cut."""
    height, width = sample.alpha.shape
    size = rng.uniform(*_GARMENT_SIZES)
    shift = rng.uniform(-1, 1, 2) * max(0.06, 1 - size) * 0.8  # in half pictures
    stretch = np.exp(rng.uniform(-_GARMENT_STRETCH, _GARMENT_STRETCH) * np.array([1, -1]))
    angle = np.radians(rng.uniform(-_GARMENT_TURN, _GARMENT_TURN))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    pixels = size * turn * stretch  # of pixels about the middle
    matrix = _placed(pixels, shift, width, height)
    alpha = _warped(sample.alpha, matrix, border=cv2.BORDER_CONSTANT)
    if alpha.sum() < 0.9 * size**2 * sample.alpha.sum():
        return sample
    aspect = np.array([width, height])
    flow = sample.flow @ (pixels * aspect / aspect[:, None]).T + shift
    return replace(sample, flat=_warped(sample.flat, matrix), alpha=alpha, flow=flow.astype(np.float32))


def _framed(sample: Sample, rng: np.random.Generator) -> Sample:
    """Taken from nearer or farther: a part of the photo, or the photo as a part of one as large."""
    height, width = sample.mask.shape
    size = float(np.exp(rng.uniform(*np.log(_FRAMES))))
    matrix = _placed(size, rng.uniform(-1, 1, 2) * abs(size - 1), width, height)
    mask = _warped(sample.mask, matrix, cv2.INTER_NEAREST)
    cover = _warped(sample.cover, matrix)
    if mask.sum() < 0.5 * sample.mask.sum() or not (cover * mask > 0.5).any():
        return sample
    per_cloth: Floats = np.maximum(cover, 1e-3)
    flow = _warped(sample.flow * sample.cover[..., None], matrix) / per_cloth[..., None]
    shown = _warped(sample.shown * sample.cover, matrix) / per_cloth
    densepose, atr, hole, dressed = (
        _warped(plane, matrix, cv2.INTER_NEAREST) for plane in (sample.densepose, sample.atr, sample.hole, sample.worn)
    )
    photo, truth = _warped(sample.photo, matrix), _warped(sample.truth, matrix)
    return replace(
        sample,
        photo=photo,
        truth=truth,
        mask=mask,
        cover=cover,
        flow=flow,
        shown=shown,
        densepose=densepose,
        atr=atr,
        hole=hole,
        worn=dressed,
    )


def _other_mask(sample: Sample, rng: np.random.Generator) -> Sample:
    """As others may draw it: a little or much larger."""
    chance = rng.uniform()
    if chance < _SHARE_BOXED:
        rows, columns = (np.flatnonzero(sample.mask.any(axis)) for axis in (1, 0))
        mask = np.zeros_like(sample.mask)
        mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 1
        return replace(sample, mask=mask)
    if chance < _SHARE_BOXED + _SHARE_MASK_GROWN:
        side = 2 * int(rng.integers(1, 4)) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        return replace(sample, mask=np.asarray(cv2.dilate(sample.mask, kernel), np.uint8))
    return sample


def _lit(sample: Sample, rng: np.random.Generator) -> Sample:
    """Another exposure, contrast, white balance, light and sharpness of both photos; noise and JPEG's blocks in the
    one that is seen."""
    gains = (rng.uniform(0.85, 1.15) * rng.uniform(0.94, 1.06, 3)).astype(np.float32)
    contrast = np.float32(rng.uniform(0.85, 1.15))
    blur = rng.uniform(0.3, 0.9) if rng.uniform() < 0.25 else 0.0
    noise = rng.uniform(0, 8) if rng.uniform() < 0.4 else 0.0
    light = _shadow(rng, sample.mask.shape) if rng.uniform() < _SHARE_SHADED else np.float32(1)

    def taken(photo: Bytes) -> Floats:
        levels = ((photo.astype(np.float32) - 128) * contrast + 128) * gains * light
        return np.asarray(cv2.GaussianBlur(levels, (0, 0), blur), np.float32) if blur else levels

    seen = taken(sample.photo)
    if noise:
        seen = seen + np.float32(noise) * rng.standard_normal(seen.shape, np.float32)
    photo = _bytes(seen)
    if rng.uniform() < _SHARE_JPEG:
        photo = _through_jpeg(photo, int(rng.integers(*_JPEG_QUALITIES)))
    return replace(sample, photo=photo, truth=_bytes(taken(sample.truth)))


def _shadow(rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
    """(H, W, 1): light that falls unevenly."""
    coarse = np.exp(rng.normal(0, _SHADOW, _SHADOW_CELLS[::-1])).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), np.float32)[..., None]


def _through_jpeg(photo: Bytes, quality: int) -> Bytes:
    _, data = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def _bytes(levels: Floats) -> Bytes:
    return (levels.clip(0, 255) + 0.5).astype(np.uint8)


def _placed(size: float | Matrix, shift: NDArray[np.float64], width: int, height: int) -> Matrix:
    """Pixels of a picture to pixels of it enlarged (or turned by a 2 x 2 matrix) about its middle, then moved by
    halves of itself."""
    middle = np.array([width, height]) / 2 - 0.5
    linear = np.eye(2) * size if isinstance(size, float) else size
    return np.column_stack([linear, middle - linear @ middle + shift * [width / 2, height / 2]])


def _warped(
    plane: NDArray[Level], matrix: Matrix, how: int = cv2.INTER_LINEAR, border: int = cv2.BORDER_REPLICATE
) -> NDArray[Level]:
    size = plane.shape[1], plane.shape[0]
    return np.asarray(cv2.warpAffine(np.ascontiguousarray(plane), matrix, size, flags=how, borderMode=border))
