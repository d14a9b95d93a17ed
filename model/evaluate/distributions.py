"""How alike two sets of pictures are as a whole, from the features a network sees in them.

Features are (N, F) float, one row a picture; the sets need not be equally large or paired.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import poly_mmd

from model.errors import InputError

_SUBSETS, _SUBSET_SIZE = 100, 1000  # as in the reference implementation of KID


def fid(results: Tensor, truths: Tensor) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features (Heusel et al., 2017).

    |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½), with the covariances' unbiased estimates. It falls with the number of
    pictures: compare only what has equally many.

    Raises:
        InputError: a set has fewer than two pictures, or the features differ in number.
    """
    _check(results, truths)
    metric = FrechetInceptionDistance(feature=_Given(results.shape[1]))
    metric.set_dtype(torch.float64)
    metric.update(truths.double(), real=True)
    metric.update(results.double(), real=False)
    return float(metric.compute())


def kid(results: Tensor, truths: Tensor, seed: int = 0) -> float:
    """Kernel distance of two sets of features (Bińkowski et al., 2018), not multiplied by anything.

    The unbiased squared maximum mean discrepancy with the kernel (x·y / F + 1)³, the mean over 100 pairs of random
    subsets of at most 1000 pictures. Sets of one distribution have about 0, by chance a little less or more.

    Raises:
        InputError: a set has fewer than two pictures, or the features differ in number.
    """
    _check(results, truths)
    rng = np.random.default_rng(seed)
    size = min(len(results), len(truths), _SUBSET_SIZE)
    distances = [
        poly_mmd(_subset(truths, size, rng).double(), _subset(results, size, rng).double()) for _ in range(_SUBSETS)
    ]
    return float(torch.stack(distances).mean())


class _Given(nn.Identity):
    """The network of a metric whose features are computed already, once for all metrics."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features


def _subset(features: Tensor, size: int, rng: np.random.Generator) -> Tensor:
    return features[torch.from_numpy(rng.choice(len(features), size, replace=False))]


def _check(results: Tensor, truths: Tensor) -> None:
    if results.shape[1] != truths.shape[1]:
        raise InputError(f"results have {results.shape[1]} features, truths {truths.shape[1]}", field="results")
    for field, features in (("results", results), ("truth", truths)):
        if len(features) < 2:
            raise InputError(f"a distribution needs at least two pictures, '{field}' has {len(features)}", field=field)
