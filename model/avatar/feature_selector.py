"""Which tokens of the photos each view looks at: as many as fit, however many photos there are."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

PUBLISHED_RATIO = 2.0  # of the tokens each view gets to those of one photo


class Selection(NamedTuple):
    """The tokens one map of each view picks at one size of features."""

    tokens: Tensor  # (views, k) positions in the photos' tokens, photo by photo, row by row; ascending
    weights: Tensor  # (views, k) >= 0


class FeatureSelector:
    """Top-k selection as published.

    Each view gets the k = min(ratio, photos) * H * W tokens of largest weight, multiplied by their weights, in the
    order in which they lie in the photos. A token of weight 0 becomes a vector of zeros, so which of several such is
    picked makes no difference. What a size of features picks is worked out once, for all layers that have it.

    Args:
        weight_maps: (views, photos, g, g) >= 0, as the feature aggregator gives them.
        ratio: of picked tokens to the tokens of one photo.
    """

    def __init__(self, weight_maps: Tensor, ratio: float = PUBLISHED_RATIO) -> None:
        self._weight_maps = weight_maps
        self._ratio = ratio
        self._known: dict[tuple[int, int, torch.dtype], Selection] = {}

    def __call__(self, features: Tensor) -> Tensor:
        """
        Args:
            features: (photos, H, W, C), one layer's, of any dtype.

        Returns:
            (views, k, C).
        """
        _, height, width, _ = features.shape
        tokens, weights = self.selection(height, width, features.dtype)
        return features.flatten(0, 2)[tokens] * weights[..., None]

    def selection(self, height: int, width: int, dtype: torch.dtype) -> Selection:
        """What is picked of features of this size; the weights take their dtype before anything is compared."""
        key = (height, width, dtype)
        if key not in self._known:
            self._known[key] = select(self._weight_maps.to(dtype), height, width, self._ratio)
        return self._known[key]


def select(weight_maps: Tensor, height: int, width: int, ratio: float) -> Selection:
    """The tokens of largest weight when the maps are brought to H x W, corners on corners."""
    photos = weight_maps.shape[1]
    maps = F.interpolate(weight_maps, (height, width), mode="bilinear", align_corners=True)
    k = int(min(ratio, photos) * height * width)
    weights = maps.flatten(1)  # (views, photos * H * W)
    tokens = weights.topk(k, dim=1).indices.sort(dim=1).values
    return Selection(tokens, weights.gather(1, tokens))
