"""How well the looks of an outfit carry over to views that it was not fitted to, and to another body.

python -m bench.outfit_looks --people 4
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from bench.outfit import Fitter
from bench.outfit_people import DressedPerson, dressed_person
from model.clothes.arrays import Floats
from model.engines.pointcloth.appearance.fitting import THRESHOLD, AppearanceFit, View, painted
from model.engines.pointcloth.appearance.losses import ScaledDifferences
from model.engines.pointcloth.carrying import carried
from model.engines.pointcloth.looks import Wrapping
from model.engines.pointcloth.pipeline import APPEARANCE_SIZE, FASTER
from model.engines.pointcloth.rendering import Shown, seen_in, shown
from model.engines.pointcloth.texture import Texture, texture_of
from model.weights.pack import DEMO

_VIEWS, _UNSEEN = 8, 4
_FIT_ITERATIONS = 40
_FIRST_UNSEEN = 0.4  # radians
_SIZE = 512  # of the photos that give colours; a network sees half as much
_OTHERS = 1000  # who wears it too, this many numbers later


def psnr(rendered: Shown, person: DressedPerson, mean: Tensor) -> float:
    """Inside the true mask. Where nothing is drawn the mean colour stands."""
    side = len(rendered.alpha)
    photo, mask = person.photo()[:side, :side], person.mask()[:side, :side]
    whole = rendered.colours * rendered.alpha[..., None] + mean * (1 - rendered.alpha[..., None])
    return decibels((whole - photo)[mask])


def decibels(errors: Tensor) -> float:
    return float(-10 * errors.square().mean().log10())


def seen_from(fitter: Fitter, number: int, yaws: Sequence[float], size: int) -> list[DressedPerson]:
    return [dressed_person(fitter.body, number, size, yaw) for yaw in yaws]


def upright(fitter: Fitter, person: DressedPerson, cloud: Tensor) -> Floats:
    points: Floats = person.worn.frame(fitter.body).upright(cloud).numpy()
    return points


@dataclass(frozen=True)
class Looks:
    """Of a fitted outfit. points: (N, 3), upright, on the first of the people it was taken from."""

    points: Floats
    texture: Texture

    @classmethod
    def of(cls, fitter: Fitter, people: Sequence[DressedPerson], code: Tensor) -> Looks:
        clouds = [fitter.cloud(person, code) for person in people]
        points, photos = upright(fitter, people[0], clouds[0]), []
        for person, cloud in zip(people, clouds, strict=True):
            here = upright(fitter, person, cloud)
            wrapping = Wrapping(here, carried(here, points))
            picture = (255 * person.photo()).round().byte().numpy()
            photos.append(wrapping.seen_in(person.scene, cloud, picture, person.mask().byte().numpy() * 255))
        texture = texture_of(photos)
        assert texture is not None
        return cls(points, texture)

    def shown(self, fitter: Fitter, person: DressedPerson, cloud: Tensor) -> Shown:
        here = upright(fitter, person, cloud)
        return Wrapping(here, carried(here, self.points)).painted(person.scene, cloud, self.texture)

    def shown_by_point(self, person: DressedPerson, cloud: Tensor) -> Shown:
        """Without being carried: each point keeps its colour."""
        return shown(person.scene, cloud, torch.from_numpy(self.texture.at(self.points)))


def network_of(fitter: Fitter, people: Sequence[DressedPerson], code: Tensor, iterations: int) -> AppearanceFit:
    torch.manual_seed(0)
    views = [
        View(
            seen_in(person.scene, fitter.cloud(person, code), THRESHOLD),
            person.photo().permute(2, 0, 1),
            person.mask().float()[None],
        )
        for person in people
    ]
    fit = AppearanceFit(views, ScaledDifferences(), Generator().manual_seed(0), faster=FASTER)
    for _ in range(iterations):
        fit.iterate()
    return fit


def rendered(fit: AppearanceFit, person: DressedPerson, cloud: Tensor) -> Shown:
    """As the network paints it."""
    seen = seen_in(person.scene, cloud, THRESHOLD)
    found = painted(fit.network, fit.descriptors, seen, APPEARANCE_SIZE)
    return Shown(found.colours[0].permute(1, 2, 0), found.mask[0, 0])


def measured(fitter: Fitter, number: int, iterations: int) -> tuple[str, list[float]]:
    """What is worn; PSNR of the mean colour, of the texture and of the network on unseen views; of the mean colour, of
    points that keep their colours, and of the texture on another body; CPU seconds of the network."""
    known = [2 * np.pi * i / _VIEWS for i in range(_VIEWS)]
    unknown = [_FIRST_UNSEEN + 2 * np.pi * i / _UNSEEN for i in range(_UNSEEN)]
    with torch.no_grad():
        large, small = (seen_from(fitter, number, known, size) for size in (_SIZE, APPEARANCE_SIZE))
        code = fitter.fit(small[0], _FIT_ITERATIONS)
        looks = Looks.of(fitter, large, code)
        mean = torch.cat([person.photo()[person.mask()] for person in large]).mean(0)
    began = time.process_time()
    fit = network_of(fitter, small, code, iterations) if iterations else None
    seconds = time.process_time() - began
    scores, elsewhere = [], []
    with torch.no_grad():
        for yaw in unknown:
            person = dressed_person(fitter.body, number, APPEARANCE_SIZE, yaw)
            cloud = fitter.cloud(person, code)
            by_texture = looks.shown(fitter, person, cloud)
            by_network = by_texture if fit is None else rendered(fit, person, cloud)
            scores.append((plain(person, mean), *(psnr(found, person, mean) for found in (by_texture, by_network))))
            other = dressed_person(fitter.body, number, APPEARANCE_SIZE, yaw, wearer=number + _OTHERS)
            cloud = fitter.cloud(other, code)
            found_there = looks.shown_by_point(other, cloud), looks.shown(fitter, other, cloud)
            elsewhere.append((plain(other, mean), *(psnr(found, other, mean) for found in found_there)))
    return small[0].kinds, [*np.mean(scores, 0).tolist(), *np.mean(elsewhere, 0).tolist(), seconds]


def plain(person: DressedPerson, mean: Tensor) -> float:
    return decibels((person.photo() - mean)[person.mask()])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--iterations", type=int, default=200, help="of the network; 0: none, its column tells nothing")
    arguments = parser.parse_args(argv)
    fitter = Fitter(DEMO)
    print(
        "| person | wears | mean colour, dB | texture, dB | network, dB | other body: mean colour, dB "
        "| a colour a point, dB | texture, dB | network's CPU seconds |"
    )
    print("| --- | --- |" + " ---: |" * 7)
    rows = []
    for number in range(arguments.people):
        kinds, numbers = measured(fitter, number, arguments.iterations)
        rows.append(numbers)
        print(f"| {number} | {kinds} | " + " | ".join(f"{n:.1f}" for n in numbers) + " |", flush=True)
    print("| median | | " + " | ".join(f"{n:.1f}" for n in np.median(rows, 0)) + " |")


if __name__ == "__main__":
    main()
