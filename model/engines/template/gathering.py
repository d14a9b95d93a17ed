"""Colours by attention in the space of the template: each point looks at the photos' pixels that show the same layer
nearby, the surer and nearer ones more. It is UP2You's reference attention with keys that have a meaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer
from model.engines.template.labels import LabelledPixels
from model.engines.template.trust import merged, trusted

Layers = NDArray[np.uint8]

_NEIGHBOURS = 6  # pixels that are asked for a colour
_NARROWEST = 0.005  # metres, of the attention; wider where pixels are farther
_REACH = 0.05  # metres from the nearest pixel within which its colour is believed
_LEAST_PIXELS = 20  # of a layer: fewer are most likely mistakes of the labels
MIRROR = np.array([-1, 1, 1], np.float32)  # to the other side of the body
# Whom to ask about a layer that no photo shows.
_INSTEAD = {
    BodyLayer.UPPER: (BodyLayer.ONE_PIECE,),
    BodyLayer.LOWER: (BodyLayer.ONE_PIECE,),
    BodyLayer.ONE_PIECE: (BodyLayer.UPPER, BodyLayer.LOWER),
    BodyLayer.HAIR: (BodyLayer.SKIN,),
}


@dataclass(frozen=True)
class Keys:
    """The photos' pixels that are asked. layers: (K,). places: (K, 3). trust: (K,). colours: (K, 3) in 0..1."""

    layers: Layers
    places: Floats
    trust: Floats
    colours: Floats

    @classmethod
    def of(cls, pixels: LabelledPixels, layers: Layers) -> Keys:
        """layers: (N, S, S), as decided for the person."""
        trust = trusted(pixels, layers)
        asked = trust > 0
        return cls(merged(layers[asked]), pixels.places[asked], trust[asked], pixels.colours[asked])

    def of_layer(self, layer: int) -> Keys:
        """Those of a layer, or of what stands for it."""
        for wanted in ((layer,), _INSTEAD.get(BodyLayer(layer), (BodyLayer.SKIN,))):
            which = np.isin(self.layers, wanted)
            if which.sum() >= _LEAST_PIXELS:
                return Keys(self.layers[which], self.places[which], self.trust[which], self.colours[which])
        return self

    @property
    def mean(self) -> Floats:
        """(3,): the mean colour, grey of nothing."""
        if not len(self.colours):
            return np.full(3, 0.5, np.float32)
        mean: Floats = (self.colours * self.trust[:, None]).sum(0) / self.trust.sum()
        return mean


def gathered(keys: Keys, layers: Layers, places: Floats) -> Floats:
    """Colours, (Q, 3), of points of these layers, (Q,), at these places, (Q, 3).

    What no photo shows is taken from the other side of the body, and what shows on neither has its layer's mean colour.
    """
    colours = np.empty((len(layers), 3), np.float32)
    layers = merged(layers)
    for layer in np.unique(layers):
        which = layers == layer
        colours[which] = _gathered(keys.of_layer(int(layer)), places[which].astype(np.float32))
    return colours


def _gathered(keys: Keys, places: Floats) -> Floats:
    if len(keys.colours) < _LEAST_PIXELS:
        return np.broadcast_to(keys.mean, places.shape)
    tree = cKDTree(keys.places)
    own, distance = _attended(tree, keys, places)
    mirrored, mirrored_distance = _attended(tree, keys, places * MIRROR)
    near, near_mirrored = (np.exp(-((d / _REACH) ** 2))[:, None] for d in (distance, mirrored_distance))
    other = near_mirrored * mirrored + (1 - near_mirrored) * keys.mean
    colours: Floats = near * own + (1 - near) * other
    return colours


def _attended(tree: cKDTree, keys: Keys, places: Floats) -> tuple[Floats, Floats]:
    """Colours, (Q, 3), and metres to the nearest key, (Q,)."""
    distances, which = tree.query(places, _NEIGHBOURS)
    width = np.maximum(_NARROWEST, distances[:, :1])
    weights = np.exp(-((distances / width) ** 2) / 2) * keys.trust[which] + 1e-9
    colours = (weights[..., None] * keys.colours[which]).sum(1) / weights.sum(1, keepdims=True)
    return colours.astype(np.float32), distances[:, 0].astype(np.float32)
