"""Textures on clouds: taken from photos, and painted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import torch
from torch import Tensor

from model.clothes.arrays import Floats
from model.engines.pointcloth.carrying import local_maps, motion
from model.engines.pointcloth.masks import MaskLevels
from model.engines.pointcloth.rendering import BodyScene, RGBArray, Shown, nearest_layer, shown
from model.engines.pointcloth.texture import SeenTexels, Texture

THRESHOLD = 2e-3  # the published one for pictures: twice as deep behind the skin as while a code is fitted
_LEAST_TRUST = 0.003  # of a pixel; those between two layers have less
_EDGE = np.ones((3, 3), np.uint8)  # pixels of the mask's edge, which show other things too


@dataclass(frozen=True)
class Wrapping:
    """A texture around a cloud. points: (N, 3), upright, and their places, (N, 3), in the texture."""

    points: Floats
    places: Floats

    @cached_property
    def features(self) -> Floats:
        """(N, 12): the map of each point's surroundings into the texture."""
        maps, offsets = local_maps(self.points, self.places)
        return np.concatenate([maps.reshape(-1, 9), offsets], 1)

    def places_of(self, features: Floats, at: Floats) -> Floats:
        """(M, 3) in the texture, of blended features, (M, 12), at upright positions, (M, 3)."""
        places: Floats = (at[:, None] @ features[:, :9].reshape(-1, 3, 3))[:, 0] + features[:, 9:]
        return places

    def painted(self, scene: BodyScene, cloud: Tensor, texture: Texture) -> Shown:
        """The cloud, (N, 3), wherever its points are before the camera."""
        turn, shift = motion(cloud.numpy(force=True), self.points)

        def paint(features: Floats, at: Floats) -> Floats:
            return texture.at(self.places_of(features, at @ turn + shift))

        return shown(scene, cloud, torch.from_numpy(self.features).to(cloud), paint)

    def seen_in(self, scene: BodyScene, cloud: Tensor, picture: RGBArray, mask: MaskLevels) -> SeenTexels:
        """A photo's pixels inside its mask, on the cloth that lies there. picture, mask: as large as the scene's."""
        layer = nearest_layer(scene, cloud, torch.from_numpy(self.features).to(cloud), THRESHOLD)
        turn, shift = motion(cloud.numpy(force=True), self.points)
        at, features = scene.unprojected(layer.depths) @ turn + shift, layer.features
        size = scene.size
        places = self.places_of(features.reshape(-1, 12), at.reshape(-1, 3)).reshape(size, size, 3)
        trust = _squarely(places, float(scene.vertices[:, 2].mean() / scene.camera[0, 0]))
        inside = layer.mask & (cv2.erode(mask, _EDGE) > 127) & (trust > _LEAST_TRUST)
        colours = np.asarray(picture[inside] / 255, np.float32)
        return SeenTexels(places[inside], colours, trust[inside])


def _squarely(places: Floats, pixel: float) -> Floats:
    """(S, S): 1 where a pixel, so many metres wide, shows as much cloth, towards 0 where it shows more, aslant."""
    down, across = (np.asarray(np.gradient(places, axis=axis), np.float32) for axis in (0, 1))
    areas = np.linalg.norm(np.cross(across, down), axis=-1)
    trust: Floats = ((pixel**2 / np.maximum(areas, 1e-12)).clip(0, 1) ** 2).astype(np.float32)
    return trust
