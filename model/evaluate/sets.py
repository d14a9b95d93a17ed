"""FID and KID of results against true photos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PIL import Image

from model.errors import InputError
from model.evaluate.data_set import opened
from model.evaluate.distributions import fid, kid
from model.evaluate.feature_network import FeatureNetwork
from model.evaluate.judge import like
from model.evaluate.scores import Scores

OnShown = Callable[[Sequence[Path]], Iterable[Path]]  # the files, a progress bar moving beside them


def judge_sets(
    scores: Scores, network: FeatureNetwork, results: Sequence[Path], truths: Sequence[Path], shown: OnShown
) -> None:
    """Score two sets of pictures, the truths brought to the results' height as published.

    Raises:
        InputError: a set has fewer than two pictures, or one cannot be read.
        WeightsError: the network does not give features.
    """
    if not results:
        raise InputError("there is no result", field="results")
    size = opened(results[0]).size

    def at_height(picture: Image.Image) -> Image.Image:
        return picture if picture.height == size[1] else like(picture, size)

    of_results = network.of_pictures(map(opened, shown(results)))
    of_truths = network.of_pictures(at_height(opened(file)) for file in shown(truths))
    scores.set_whole("fid", fid(of_results, of_truths), len(results))
    scores.set_whole("kid", 1000 * kid(of_results, of_truths), len(results))
