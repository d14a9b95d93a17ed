"""How well the looks of an outfit carry over to views that it was not fitted to.

python -m bench.outfit_looks --people 4
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from bench.outfit import Fitter
from bench.outfit_people import DressedPerson, dressed_person
from model.engines.pointcloth.appearance.fitting import THRESHOLD, AppearanceFit, View, painted
from model.engines.pointcloth.appearance.losses import ScaledDifferences
from model.engines.pointcloth.looks import PointsInPhoto, coloured
from model.engines.pointcloth.pipeline import APPEARANCE_SIZE, FASTER
from model.engines.pointcloth.rendering import Shown, seen_in, shown
from model.weights.pack import DEMO

_VIEWS, _UNSEEN = 8, 4
_FIT_ITERATIONS = 40
_FIRST_UNSEEN = 0.4  # radians
_SIZE = 512  # of the photos that give colours; a network sees half as much


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


def colours_of(fitter: Fitter, people: Sequence[DressedPerson], code: Tensor) -> Tensor:
    """(N, 3), one a point, from these views."""
    clouds = [fitter.cloud(person, code) for person in people]
    photos = []
    for person, cloud in zip(people, clouds, strict=True):
        seen = seen_in(person.scene, cloud, THRESHOLD)
        trust = seen.alpha[0] * seen.visible[0]
        photos.append(PointsInPhoto(seen.places[0], trust, person.photo(), person.mask()))
    upright = people[0].worn.frame(fitter.body).upright(clouds[0]).numpy()
    return torch.from_numpy(coloured(upright, photos))


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


def measured(fitter: Fitter, number: int, iterations: int) -> tuple[str, float, float, float, float]:
    """What is worn; PSNR of the mean colour, of a colour a point and of the network on unseen views; CPU seconds."""
    known = [2 * np.pi * i / _VIEWS for i in range(_VIEWS)]
    unknown = [_FIRST_UNSEEN + 2 * np.pi * i / _UNSEEN for i in range(_UNSEEN)]
    began = time.process_time()
    with torch.no_grad():
        large, small = (seen_from(fitter, number, known, size) for size in (_SIZE, APPEARANCE_SIZE))
        code = fitter.fit(small[0], _FIT_ITERATIONS)
        colours = colours_of(fitter, large, code)
        mean = torch.cat([person.photo()[person.mask()] for person in large]).mean(0)
    fit = network_of(fitter, small, code, iterations) if iterations else None
    scores = []
    with torch.no_grad():
        for person in seen_from(fitter, number, unknown, APPEARANCE_SIZE):
            cloud = fitter.cloud(person, code)
            by_points = shown(person.scene, cloud, colours)
            by_network = by_points if fit is None else rendered(fit, person, cloud)
            plain = decibels((person.photo() - mean)[person.mask()])
            scores.append((plain, *(psnr(looks, person, mean) for looks in (by_points, by_network))))
    plain, by_points_, by_network_ = np.mean(scores, 0)
    return small[0].kinds, float(plain), float(by_points_), float(by_network_), time.process_time() - began


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--iterations", type=int, default=200, help="of the network; 0: none, its column tells nothing")
    arguments = parser.parse_args(argv)
    fitter = Fitter(DEMO)
    print("| person | wears | mean colour, dB | a colour a point, dB | network, dB | CPU seconds |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    rows = []
    for number in range(arguments.people):
        kinds, *numbers = measured(fitter, number, arguments.iterations)
        rows.append(numbers)
        print(f"| {number} | {kinds} | " + " | ".join(f"{n:.1f}" for n in numbers) + " |", flush=True)
    print("| median | | " + " | ".join(f"{n:.1f}" for n in np.median(rows, 0)) + " |")


if __name__ == "__main__":
    main()
