"""From buffers, of twice the size, to a photo of a person or the flat picture of a garment."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from model.clothes.arrays import Values
from model.clothes.buffers import LAYERS, BodyLayer, Buffers
from model.synthetic.fabrics.garment_paint import creases, paint_garment
from model.synthetic.fabrics.garments import Garment
from model.synthetic.people.looks import Look
from model.synthetic.people.skin import paint_eyes, paint_hair, paint_shoes, paint_skin
from model.synthetic.scene.light import Light, display, lit
from model.synthetic.scene.rooms import Room, contact_shadow, paint_room

_SKIN_WRAP = 0.25  # how far light goes around skin, which it enters; see `lit`
# From above, nearly in front, and as much from everywhere: soft, as shops light clothes that lie flat.
_FLAT_LIGHT = Light((0.0, 0.45, 0.89), (0.30,) * 3, (0.0, 0.0, 1.0), (0.34,) * 3, (0.42,) * 3, (0.34,) * 3)
_FLAT_SHADOW = 0.16  # share of the ground's light that a garment's shadow takes


def paint(
    buffers: Buffers, look: Look, garments: Iterable[Garment], room: Room, light: Light
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A photo, (H/2, W/2, 3), and the person's alpha, (H/2, W/2), of even H and W."""
    person = paint_person(buffers, look, garments, light)
    alpha = person[..., 3]
    photo = person[..., :3] + (1 - alpha[..., None]) * _behind(room, alpha)
    return levels(photo), levels(alpha)


def paint_person(buffers: Buffers, look: Look, garments: Iterable[Garment], light: Light) -> Values:
    """The person alone: sRGB times alpha, and alpha, (H/2, W/2, 4) in 0..1."""
    worn = {LAYERS[garment.place]: garment for garment in garments}
    height, width = buffers.layers.shape
    index, ends = _by_layer(buffers.layers)
    places, normals, occlusion = _taken(buffers, index)
    colours = np.empty((3, len(index)), np.float32).T
    wrap = np.zeros(len(index), np.float32)
    for layer in list(BodyLayer)[1:]:
        part = slice(ends[layer - 1], ends[layer])
        if part.start == part.stop:
            continue
        if garment := worn.get(layer):
            colours[part] = paint_garment(garment, places[part], index[part], (height, width))
            occlusion[part] *= creases(garment, places[part])
        else:
            colours[part] = _person(layer, look, places[part])
            wrap[part] = _SKIN_WRAP
    linear = lit(colours, normals, occlusion, light, wrap)
    return _halved(display(linear), index, (height, width))


def flat_picture(buffers: Buffers, garment: Garment) -> NDArray[np.uint8]:
    """The garment alone, (H/2, W/2, 3), on white, evenly lit, with a faint shadow. Other layers are not seen."""
    shape = buffers.layers.shape
    index = np.flatnonzero(buffers.layers == LAYERS[garment.place])
    places, normals, occlusion = _taken(buffers, index)
    colours = paint_garment(garment, places, index, (shape[0], shape[1]))
    linear = lit(colours, normals, occlusion * creases(garment, places), _FLAT_LIGHT)
    picture = _halved(display(linear), index, (shape[0], shape[1]))
    alpha = picture[..., 3]
    height = len(alpha)
    soft = cv2.GaussianBlur(alpha, (0, 0), max(height / 100, 0.5))
    shift = round(height / 100)
    shadow = np.zeros_like(alpha)
    shadow[shift:] = np.asarray(soft)[: height - shift]
    ground = (1 - np.float32(_FLAT_SHADOW) * shadow)[..., None]
    return levels(picture[..., :3] + (1 - alpha[..., None]) * ground)


def _by_layer(layers: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where somebody is in the flattened picture, one layer after the other, and where each layer's pixels end."""
    index = np.flatnonzero(layers)
    seen = layers.ravel()[index]
    counts = np.bincount(seen, minlength=len(BodyLayer))
    return index[np.argsort(seen, kind="stable")], np.cumsum(counts)


def _taken(buffers: Buffers, index: NDArray[np.intp]) -> tuple[Values, Values, Values]:
    """Places and normals, (N, 3), and occlusion, (N,): copies, channel by channel in memory."""
    places, normals = (plane.reshape(-1, 3).take(index, axis=0) for plane in (buffers.places, buffers.normals))
    return np.asfortranarray(places), np.asfortranarray(normals), buffers.occlusion.ravel().take(index)


def _person(layer: BodyLayer, look: Look, places: Values) -> Values:
    if layer is BodyLayer.EYES:
        return paint_eyes(look.complexion, places)
    if layer is BodyLayer.HAIR:
        return paint_hair(look.complexion, places)
    if layer is BodyLayer.SHOES:
        return paint_shoes(look.shoes, places)
    return paint_skin(look.complexion, places)


def _halved(colours: Values, index: NDArray[np.intp], shape: tuple[int, int]) -> Values:
    """(H/2, W/2, 4): means over 2 x 2 pixels, colours premultiplied, so what is not there leaves no fringe."""
    frame = np.zeros((shape[0] * shape[1], 4), np.float32)
    frame[index] = np.concatenate([colours, np.ones((len(index), 1), np.float32)], 1)
    size = (shape[1] // 2, shape[0] // 2)
    return np.asarray(cv2.resize(frame.reshape(*shape, 4), size, interpolation=cv2.INTER_AREA))


def _behind(room: Room, alpha: Values) -> Values:
    """The room, with the ground where the feet are, unless the picture ends above them."""
    height, width = alpha.shape
    rows = np.flatnonzero(alpha.max(1) > 0.5)
    if not len(rows) or rows[-1] >= height - 2:
        return paint_room(room, height, width)
    lowest, tall = rows[-1], rows[-1] - rows[0] + 1
    columns = np.flatnonzero(alpha[lowest - tall // 20 : lowest + 1].max(0) > 0.5)
    middle, wide = (columns[0] + columns[-1] + 1) / 2, columns[-1] - columns[0] + 1
    picture = paint_room(room, height, width, (lowest + 1) / height)
    return contact_shadow(picture, middle, lowest + 0.5 - 0.01 * tall, 0.7 * wide + 0.03 * tall)


def levels(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """0..1 as 8 bits."""
    return np.asarray(np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
