"""From random weights to a parser, in one go."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from model.train.ema import MovingAverage
from model.train.parsing.augmentation import varied
from model.train.parsing.network import HEIGHT, WIDTH, ParsingNetwork, normal
from model.train.parsing.people import MAPS, ParsedPeople

_COUNTED = 200  # people whose labels tell how frequent each class is
_HEAVIEST = 8.0
_WEIGHT_DECAY = 0.02
_SMALL = 96, 128


@dataclass(frozen=True)
class Recipe:
    """What the result depends on, besides the people.

    minutes: the most it may take, else all steps are done. small: share of the budget spent on small pictures, which
    cost less and teach most. The learning rate rises for `warmup` steps and falls along a cosine to nothing. ema: decay
    of the averaged weights.
    """

    steps: int
    minutes: float = math.inf
    seed: int = 0
    small: float = 0.6
    batch: int = 16
    learning_rate: float = 3e-3
    warmup: int = 100
    ema: float = 0.99
    bf16: bool = True

    def rate(self, step: int, share: float) -> float:
        """The learning rate of a step, before which `share` of the budget was spent."""
        return self.learning_rate * min(1, (step + 1) / self.warmup) * (1 + math.cos(math.pi * share)) / 2


def fit(people: ParsedPeople, recipe: Recipe) -> ParsingNetwork:
    """A parser with averaged weights. The same for the same recipe, unless its time runs out."""
    torch.manual_seed(recipe.seed)
    parser = ParsingNetwork(list(MAPS.values())).train()
    parser.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    floats = [*parser.parameters(), *(buffer for buffer in parser.buffers() if buffer.is_floating_point())]
    average = MovingAverage(floats, recipe.ema)
    optimiser = torch.optim.AdamW(parser.parameters(), weight_decay=_WEIGHT_DECAY)
    weights = class_weights(people)
    started, bar = time.monotonic(), tqdm(range(recipe.steps), desc="parser", mininterval=1)
    for step in bar:
        share = max(step / recipe.steps, (time.monotonic() - started) / (60 * recipe.minutes))
        if share >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(step, share)
        size = _SMALL if share < recipe.small else (WIDTH, HEIGHT)
        pictures, labels = batch_of(people, recipe, step, size)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
            logits = parser(pictures)
        loss = total_loss(logits, labels, weights)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parser.parameters(), 1.0)
        optimiser.step()
        average.update(step)
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    for tensor, averaged in zip(floats, average.averages, strict=True):
        tensor.data.copy_(averaged)
    parser.eval()
    return parser


def batch_of(people: ParsedPeople, recipe: Recipe, step: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Pictures, (B, 3, H, W), and labels, (B, maps, H/2, W/2): a function of the seed, the step and the size."""
    rng = np.random.default_rng([recipe.seed, step])
    chosen = rng.integers(len(people), size=recipe.batch)
    photos, labels = zip(*(varied(people.photos[i], people.labels[i], size, rng) for i in chosen), strict=True)
    return normal(torch.from_numpy(np.stack(photos))), torch.from_numpy(np.stack(labels)).long()


def total_loss(logits: Sequence[Tensor], labels: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """Weighted cross-entropy, the sum over the label maps."""
    losses = [
        F.cross_entropy(plane.float(), labels[:, i], weight)
        for i, (plane, weight) in enumerate(zip(logits, weights, strict=True))
    ]
    return torch.stack(losses).sum()


def class_weights(people: ParsedPeople) -> list[Tensor]:
    """Of each map's classes: rarer ones weigh more, by the root of their share, at most eight times the mean pixel."""
    some: NDArray[np.uint8] = people.labels[:_COUNTED]
    weights = []
    for i, classes in enumerate(MAPS.values()):
        share = np.bincount(some[:, i].ravel(), minlength=classes) / some[:, i].size
        weight = 1 / np.sqrt(np.maximum(share, 1e-6))
        weight = (weight / (share * weight).sum()).clip(max=_HEAVIEST)
        weights.append(torch.tensor(weight, dtype=torch.float32))
    return weights
