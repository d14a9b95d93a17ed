"""Where in the photos each point of the template is seen: what the photos' pixels show, the other way round.

The places of neighbouring pixels of a photo make a smooth map, and so does its inverse. Followed by all points of a
garment it copies whole patterns, where pixels asked one by one would shuffle them by as much as each place is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer
from model.engines.template.faces import face_in, regular
from model.engines.template.labels import LabelledPixels
from model.engines.template.trust import merged, trusted

Layers = NDArray[np.uint8]

_WINDOW, _WIDTH = 2, 1.5  # pixels to each side over which places are smoothed, and of the window's bell
_SAME = 0.08  # metres: pixels whose places are farther apart are not of one surface
_NEIGHBOURS = 4  # pixels that say where a point is
_REACH = 0.06  # metres: points farther from all pixels are not seen
_DAMPING = 0.003  # metres a pixel, of the inverse of the slope
_FARTHEST = 1.5  # pixels from one that shows the layer up to which the map is followed
_OFF = 0.03  # metres from what the map reaches at which little of it is believed
_STRICT = 4  # the power of the layer's share of what is around: beyond its border others are seen
_EXPECTED_AREA = 1e-4  # square metres that a pixel shows of what it is believed about as its trust says
_LEAST_PIXELS = 20  # of a layer: fewer are most likely mistakes of the labels


@dataclass(frozen=True)
class PlaceMap:
    """The pixels of one photo that show a layer.

    places: (K, 3). slopes: (K, 3, 2), by how many metres the place changes from one pixel to the next, across and down.
    pixels: (K, 2), columns and rows. trust: (K,). shares: (S, S), how far each pixel of the photo is of the layer.
    """

    places: Floats
    slopes: Floats
    pixels: Floats
    trust: Floats
    shares: Floats

    def sighted(self, places: Floats) -> tuple[Floats, Floats]:
        """Where points, (Q, 3), are in the photo, (Q, 2) columns and rows, and how far that is believed, (Q,)."""
        distances, near = cKDTree(self.places).query(places, _NEIGHBOURS, distance_upper_bound=_REACH)
        there = np.isfinite(distances[:, -1])
        pixels, beliefs = np.zeros((len(places), 2), np.float32), np.zeros(len(places), np.float32)
        if there.any():
            pixels[there], beliefs[there] = self._followed(places[there], near[there])
        return pixels, beliefs

    def _followed(self, places: Floats, near: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """The same of points whose nearest pixels, (Q, 4), are known."""
        off = places[:, None] - self.places[near]
        steps = np.einsum("qkij,qkj->qki", self._inverse_slopes[near], off)
        left = off - np.einsum("qkij,qkj->qki", self.slopes[near], steps)
        far = np.square(steps).sum(-1)
        belief = self.trust[near] * np.exp(-np.square(left).sum(-1) / _OFF**2 - (far / _FARTHEST**2) ** 2)
        weight = belief * np.exp(-far) + 1e-12
        pixels: Floats = (weight[..., None] * (self.pixels[near] + steps)).sum(1) / weight.sum(1, keepdims=True)
        share = map_coordinates(self.shares, pixels.T[::-1], order=1, mode="nearest")
        return pixels.astype(np.float32), (belief.max(1) * share**_STRICT).astype(np.float32)

    @property
    def _inverse_slopes(self) -> Floats:
        """(K, 2, 3): pixels a metre."""
        transposed = self.slopes.swapaxes(1, 2)
        squared = transposed @ self.slopes + _DAMPING**2 * np.eye(2, dtype=np.float32)
        return (np.linalg.inv(squared) @ transposed).astype(np.float32)


def place_maps(pixels: LabelledPixels, layers: Layers, shades: Floats) -> list[Mapping[int, PlaceMap]]:
    """Of each photo a map of each layer that it shows enough of.

    layers: (N, S, S), as decided for the person. shades: (N, s, s), how bright the photos are, for their faces.
    """
    trust = trusted(pixels, layers)
    return [_of_photo(*photo) for photo in zip(merged(layers), pixels.places, trust, shades, strict=True)]


def _of_photo(layers: Layers, places: Floats, trust: Floats, shades: Floats) -> Mapping[int, PlaceMap]:
    skin = np.where(layers == BodyLayer.SKIN, trust, 0)
    smooth = regular(_smoothed(layers, places, trust), skin)
    maps = dict(_maps(layers, smooth, trust))
    if BodyLayer.SKIN not in maps:
        return maps
    face = face_in(shades, smooth, skin, maps[BodyLayer.SKIN].sighted)
    if face is None:
        return maps
    of_head = np.isin(layers, (BodyLayer.SKIN, BodyLayer.HAIR))[..., None]
    return dict(_maps(layers, np.where(of_head, face.corrected(smooth), smooth), trust))


def _maps(layers: Layers, places: Floats, trust: Floats) -> Iterator[tuple[int, PlaceMap]]:
    slopes, known = _slopes(layers, places)
    # Pixels to a metre: photos from near, and what faces the camera, have more to say.
    area = np.linalg.norm(np.cross(slopes[..., 0], slopes[..., 1]), axis=-1)
    trust = trust * _EXPECTED_AREA / np.maximum(area, 1e-6)
    asked = known & (trust > 0)
    for layer in np.unique(layers[asked]):
        rows, columns = where = np.nonzero(asked & (layers == layer))
        if len(rows) >= _LEAST_PIXELS:
            shares = cv2.GaussianBlur((layers == layer).astype(np.float32), (0, 0), 0.7)
            pixels = np.stack([columns, rows], 1).astype(np.float32)
            yield int(layer), PlaceMap(places[where], slopes[where], pixels, trust[where], shares)


def _smoothed(layers: Layers, places: Floats, trust: Floats) -> Floats:
    """Places, (S, S, 3), averaged over neighbours of the same surface."""
    total, weight = np.zeros_like(places), np.zeros_like(places[..., :1])
    window = range(-_WINDOW, _WINDOW + 1)
    for shift in ((down, across) for down in window for across in window):
        other, believed = (np.roll(plane, shift, (0, 1)) for plane in (places, trust))
        bell = np.exp(-(shift[0] ** 2 + shift[1] ** 2) / (2 * _WIDTH**2))
        share = (bell * believed * _of_one_surface(layers, places, shift))[..., None]
        total += share * other
        weight += share
    return np.where(weight > 0, total / np.maximum(weight, 1e-9), places).astype(np.float32)


def _slopes(layers: Layers, places: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(S, S, 3, 2), across and down, from the neighbours of the same surface; and where there are any both ways."""
    slopes, known = [], np.ones(layers.shape, bool)
    for axis in (1, 0):
        change, count = np.zeros_like(places), np.zeros(layers.shape, np.float32)
        for way in (1, -1):
            same = _of_one_surface(layers, places, (0, way) if axis else (way, 0))
            change += np.where(same[..., None], way * (places - np.roll(places, way, axis)), 0)
            count += same
        known &= count > 0
        slopes.append(change / np.maximum(count, 1)[..., None])
    return np.stack(slopes, -1).astype(np.float32), known


def _of_one_surface(layers: Layers, places: Floats, shift: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether each pixel shows the same surface as the one from which `shift`, rows and columns, leads to it."""
    near = np.linalg.norm(np.roll(places, shift, (0, 1)) - places, axis=-1) < _SAME
    one: NDArray[np.bool_] = near & (np.roll(layers, shift, (0, 1)) == layers)
    return one
