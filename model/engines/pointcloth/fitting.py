"""An outfit's code from a mask: four codes coarsely, then one finely from their mean.

What is compared are places in the picture: those of the points that are seen, and the mask's pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Generator, Tensor

from model.engines.pointcloth.camera import projected
from model.engines.pointcloth.chamfer import chamfer
from model.engines.pointcloth.code_optimiser import CodeOptimiser
from model.engines.pointcloth.frame import RootFrame
from model.engines.pointcloth.outfit_codes import in_unit_ball, spherical_mean
from model.engines.pointcloth.visibility import body_depths, seen_points

CODES = 4  # of the coarse stage
ITERATIONS = 100  # of either stage
THRESHOLD = 1e-3  # the published one: 1 cm behind the skin a point is wholly seen, see `visibility`
_RATE, _DECAY = 0.1, 0.992  # the published ones; the decay is that of each iteration
_EACH_TIMES = 20  # iterations between two scores
_UNITS = 10  # of a picture's side: what distances are measured in
_SCORE_UNITS = 25.6  # pixels, whatever the picture's size: as published


@dataclass(frozen=True)
class Sight:
    """One picture of a dressed body. vertices: (V, 3), before the camera, and faces: (F, 3). points: (N, 3), of the
    body, in its frame. mask: (M, 2), columns and rows of the pixels that show clothes. camera: (3, 3)."""

    vertices: Tensor
    faces: Tensor
    points: Tensor
    frame: RootFrame
    mask: Tensor
    camera: Tensor


@dataclass(frozen=True)
class FitSettings:
    """size: of the picture that tells what the body hides. unit_size: whose tenth is the unit of distances; the same by
    default. The published code has 256 for pictures of 512, so that nothing hides what lies right or below their
    middle."""

    size: int
    threshold: float = THRESHOLD
    unit_size: int | None = None
    score_every: int = _EACH_TIMES

    @property
    def unit(self) -> float:
        """Pixels in which distances are told."""
        return (self.unit_size or self.size) / _UNITS


Drape = Callable[[Tensor, Tensor], Tensor]  # points (B, N, 3) and codes (B, 8) to clothes (B, N, 3)


@dataclass
class FitStage:
    """Codes that move together. codes: (8,) each. losses: of each iteration. best: the code with the best score."""

    drape: Drape
    sight: Sight
    settings: FitSettings
    codes: list[Tensor]
    order: np.random.RandomState
    choice: Generator
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best: Tensor | None = None
    best_score: float = float("inf")

    def __post_init__(self) -> None:
        self.optimiser = CodeOptimiser(self.codes, _RATE, decay=_DECAY)
        self._numbers: np.ndarray | None = None
        body = projected(self.sight.vertices[None], self.sight.camera)
        self._body = body_depths(body, self.sight.faces, self.settings.size)

    def iterate(self) -> None:
        """One step of all codes; now and then each is scored."""
        rows = self._drawn_order()
        for code in self.codes:
            code.copy_(in_unit_ball(code))
        with torch.enable_grad():
            codes = [code.clone().requires_grad_() for code in self.codes]
            loss = self._loss(torch.stack([codes[row] for row in rows]))
        gradients = torch.autograd.grad(loss, codes)
        self.optimiser.step(gradients)
        self.losses.append(float(loss.detach()))
        if (len(self.losses) - 1) % self.settings.score_every == 0:
            self._score()

    def cloud(self, code: Tensor) -> Tensor:
        """(N, 3) of a code, (8,), before the camera."""
        clothes = self.drape(self.sight.points[None], code[None])
        return self.sight.frame.world(clothes)[0]

    def _drawn_order(self) -> list[int]:
        """The codes' numbers in an order of this iteration; they are counted as the first one has them."""
        drawn = self.order.permutation(len(self.codes))
        if self._numbers is None:
            self._numbers = np.argsort(drawn)
        return [int(number) for number in self._numbers[drawn]]

    def _loss(self, codes: Tensor) -> Tensor:
        sight, unit = self.sight, self.settings.unit
        clouds = self._seen(codes)
        fewest = min(len(cloud) for cloud in clouds)
        chosen = torch.stack([self._some(cloud, fewest) for cloud in clouds])
        return chamfer(chosen / unit, (sight.mask / unit)[None].expand(len(codes), -1, -1))

    def _seen(self, codes: Tensor) -> list[Tensor]:
        """Columns and rows of the points that are seen, of each code."""
        sight = self.sight
        clothes = sight.frame.world(self.drape(sight.points.expand(len(codes), -1, -1), codes))
        pixels = projected(clothes, sight.camera)
        with torch.no_grad():
            seen = seen_points(pixels, self._body, self.settings.threshold).visible
        # A cloud that lies wholly inside the body is drawn out of it by all its points.
        return [cloud[which if which.any() else slice(None), :2] for cloud, which in zip(pixels, seen, strict=True)]

    def _some(self, cloud: Tensor, count: int) -> Tensor:
        if len(cloud) == count:
            return cloud
        return cloud[torch.randperm(len(cloud), generator=self.choice)[:count].to(cloud.device)]

    @torch.no_grad()
    def _score(self) -> None:
        """Each code as it is, in squared pixels."""
        self.scores = []
        for code in self.codes:
            [cloud] = self._seen(code[None])
            score = float(chamfer(cloud[None] / _SCORE_UNITS, (self.sight.mask / _SCORE_UNITS)[None]))
            self.scores.append(score)
            if score * self.settings.unit**2 < self.best_score:
                self.best, self.best_score = code.clone(), score * self.settings.unit**2


def best_of(coarse: FitStage, fine: FitStage) -> Tensor:
    """The code with the smaller score, (8,); of equal ones the fine one."""
    stage = coarse if coarse.best_score < fine.best_score else fine
    assert stage.best is not None  # noqa: S101 - every stage scores its first iteration
    return stage.best


def first_codes(count: int, generator: Generator) -> list[Tensor]:
    """Where the coarse stage begins: random codes, (8,) each."""
    return list(torch.randn(count, 8, generator=generator))


def fine_start(codes: Sequence[Tensor]) -> list[Tensor]:
    """Where the fine stage begins: between the coarse codes as they are at last."""
    return [spherical_mean(codes)]


def iterated(stage: FitStage, iterations: int) -> Iterator[int]:
    """The iterations' numbers, from 1, each after it."""
    for i in range(iterations):
        stage.iterate()
        yield i + 1
