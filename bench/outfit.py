"""Point-based outfits: how near fits come to clothes that are known, and how fast the network drapes.

python -m bench.outfit --people 24
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from bench.outfit_people import DressedPerson, dressed_person
from bench.plain.drape import plain_forward
from model.contact_sheet import contact_sheet
from model.engines.pointcloth.body import DrapedBody, read_draped_body
from model.engines.pointcloth.chamfer import squared_gaps
from model.engines.pointcloth.checkpoint import draping, points_together
from model.engines.pointcloth.drape.network import DrapingNetwork
from model.engines.pointcloth.files import CODES
from model.engines.pointcloth.fitting import THRESHOLD, FitSettings, FitStage, best_of, fine_start, first_codes
from model.engines.pointcloth.memory import FIT_POINTS
from model.engines.pointcloth.networks import grouped
from model.engines.pointcloth.pipeline import FIT_SIZE
from model.engines.pointcloth.rendering import outline, overlap
from model.weights.pack import DEMO

_MEASURED, _WORST = ("found", "off", "near", "mean", "seconds"), 3


class Fitter:
    """Fits as the engine does, on this thread."""

    def __init__(self, weights: Path) -> None:
        self.body: DrapedBody = read_draped_body(weights)
        self.network: DrapingNetwork = draping(weights).load(torch.device("cpu"), torch.float32)
        self.group = points_together(weights)
        with np.load(weights / CODES) as arrays:
            self.codes = torch.from_numpy(np.stack([arrays[name] for name in arrays.files]))

    def drape(self, points: Tensor, codes: Tensor) -> Tensor:
        groups, place = grouped(points[0], self.group)
        cloth: Tensor = self.network(groups.repeat(len(codes), 1, 1), codes.repeat_interleave(len(groups), 0))
        return cloth.reshape(len(codes), -1, 3)[:, torch.from_numpy(place)]

    def fit(self, person: DressedPerson, iterations: int, seed: int = 0) -> Tensor:
        generator, order = Generator().manual_seed(seed), np.random.RandomState(seed)
        sight, settings = person.sight(self.body, FIT_POINTS), FitSettings(FIT_SIZE)
        coarse = FitStage(self.drape, sight, settings, first_codes(4, generator), order, generator)
        fine = None
        with torch.no_grad():
            for _ in range(iterations):
                coarse.iterate()
            fine = FitStage(self.drape, sight, settings, fine_start(coarse.codes), order, generator)
            for _ in range(iterations):
                fine.iterate()
        return best_of(coarse, fine)

    @torch.no_grad()
    def cloud(self, person: DressedPerson, code: Tensor) -> Tensor:
        frame = person.worn.frame(self.body)
        points = torch.from_numpy(self.body.points.of(person.worn.vertices(self.body).numpy()))
        return frame.world(self.drape(frame.upright(points)[None], code[None])[0])


def distance(cloud: Tensor, truth: Tensor) -> float:
    """Centimetres to the nearest point of the other, the mean of both ways."""
    there, back = squared_gaps(cloud[None], truth[None])
    return 50 * float(there.sqrt().mean() + back.sqrt().mean())


def squared_distance(cloud: Tensor, truth: Tensor) -> float:
    """The Chamfer distance, cm^2."""
    there, back = squared_gaps(cloud[None], truth[None])
    return 1e4 * float(there.mean() + back.mean())


@dataclass(frozen=True)
class Fit:
    """One person's. found: of masks. off: cm. near, mean: Chamfer distances of the fit and of the mean code, cm²."""

    number: int
    kinds: str
    found: float
    off: float
    near: float
    mean: float
    seconds: float
    picture: Image.Image


def fits(weights: Path, numbers: Sequence[int], iterations: int) -> list[Fit]:
    """Of people nobody learned from."""
    fitter = Fitter(weights)
    mean_code = fitter.codes.mean(0)
    done = []
    for number in numbers:
        person = dressed_person(fitter.body, number, FIT_SIZE)
        began = time.process_time()
        code = fitter.fit(person, iterations)
        seconds = time.process_time() - began
        cloud, mean = fitter.cloud(person, code), fitter.cloud(person, mean_code)
        found = outline(person.scene, cloud, THRESHOLD)
        fit = Fit(
            number,
            person.kinds,
            overlap(found, person.mask()),
            distance(cloud, person.truth),
            squared_distance(cloud, person.truth),
            squared_distance(mean, person.truth),
            seconds,
            comparison(person, found),
        )
        done.append(fit)
        print(row_of(fit), flush=True)
    return done


def row_of(fit: Fit) -> str:
    numbers = f"{fit.found:.3f} | {fit.off:.2f} | {fit.near:.2f} | {fit.mean:.0f} | {fit.seconds:.0f}"
    return f"| {fit.number} | {fit.kinds} | {numbers} |"


def table(done: Sequence[Fit]) -> list[str]:
    """Each person, the median, and the worst three."""
    median = {name: float(np.median([getattr(fit, name) for fit in done])) for name in _MEASURED}
    worst = sorted(done, key=lambda fit: fit.found)[:_WORST]
    return [
        "| person | wears | mask IoU | off, cm | Chamfer, cm² | of the mean code | CPU seconds |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        *map(row_of, done),
        "| median | | {found:.3f} | {off:.2f} | {near:.2f} | {mean:.0f} | {seconds:.0f} |".format(**median),
        "",
        "Worst three: " + ", ".join(f"{fit.number} ({fit.kinds}, {fit.found:.3f})" for fit in worst) + ".",
    ]


def comparison(person: DressedPerson, found: Tensor) -> Image.Image:
    """A photo, and beside it what is in both masks (white), missing (blue) and too much (red)."""
    truth, photo = person.mask(), (255 * person.photo()).byte().numpy()
    colours = torch.zeros(*truth.shape, 3, dtype=torch.uint8)
    colours[truth & found], colours[truth & ~found], colours[found & ~truth] = (
        torch.tensor(colour, dtype=torch.uint8) for colour in ((255, 255, 255), (60, 110, 255), (255, 70, 60))
    )
    return Image.fromarray(np.concatenate([photo, colours.numpy()], 1))


def write_worst(done: Sequence[Fit], file: Path) -> None:
    """The worst three beside each other."""
    worst = sorted(done, key=lambda fit: fit.found)[:_WORST]
    labels = [f"{fit.number}: {fit.kinds}, {fit.found:.2f}" for fit in worst]
    contact_sheet([[fit.picture] for fit in worst], labels, cell=(512, 256)).save(file, quality=88)


def speed(points: int, repeats: int) -> list[str]:
    """Ours against plain operators at the published size, with made-up weights."""
    torch.manual_seed(0)
    network = DrapingNetwork().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith("log_R"):
            parameter.normal_()
    distinct = round(points * 6178 / 8192)  # as many as the published sample indices name
    cloud = torch.rand(1, distinct, 3) * torch.tensor([0.9, 1.6, 0.5]) - torch.tensor([0.45, 1.0, 0.2])
    several = torch.cat([torch.arange(distinct), torch.randint(distinct, (points - distinct,))])
    shares = torch.bincount(several, minlength=distinct)[None] / points
    code = torch.randn(1, 8)

    def ours() -> Tensor:
        cloth: Tensor = network(cloud, code, shares)
        return cloth[:, several]

    def plain() -> Tensor:
        return plain_forward(network, cloud[:, several], code)

    with torch.no_grad():
        apart = float((ours() - plain()).abs().max() / plain().abs().max())
    rows = []
    for name, run in (("forward", forward), ("forward and backward to the code", partial(both, code=code))):
        times: dict[str, list[float]] = {"ours": [], "plain": []}
        for _ in range(repeats):  # in turns, so that both see the same machine
            for kind, call in (("ours", ours), ("plain", plain)):
                began = time.process_time()
                run(call)
                times[kind].append(time.process_time() - began)
        fast, slow = min(times["ours"]), min(times["plain"])
        rows.append(f"| {name} | {fast:.2f} | {slow:.2f} | {slow / fast:.2f} |")
    return [
        f"{points} points, {distinct} of them distinct; the two differ by {apart:.1e} of the largest value.",
        "",
        "| | ours, CPU seconds | plain operators | ratio |",
        "| --- | --- | --- | --- |",
        *rows,
    ]


def forward(call: Callable[[], Tensor]) -> None:
    with torch.no_grad():
        call()


def both(call: Callable[[], Tensor], code: Tensor) -> None:
    code.requires_grad_()
    torch.autograd.grad(call().sum(), code)
    code.requires_grad_(False)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="demo")
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--numbers", type=int, nargs="+", help="these people instead")
    parser.add_argument("--sheet", type=Path, help="a picture of the worst three")
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--points", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("fits", "speed"))
    arguments = parser.parse_args(argv)
    weights = DEMO if arguments.weights == "demo" else Path(arguments.weights)
    lines = []
    if arguments.only != "speed":
        done = fits(weights, arguments.numbers or range(arguments.people), arguments.iterations)
        lines += ["## Fits", "", *table(done), ""]
        if arguments.sheet is not None:
            write_worst(done, arguments.sheet)
    if arguments.only != "fits":
        lines += ["## Draping", "", *speed(arguments.points, arguments.repeats), ""]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
