"""How near the reconstruction comes to a person whose normals and silhouettes it is given, and how long it takes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from PIL import Image

from bench.chamfer import chamfer, outer_points
from bench.people3d.people3d import dressed_body
from bench.report import Report, Row, Target
from model.avatar.reconstruction import HALF_HEIGHT, ITERATIONS, RADIUS, Reconstruction, render_normals
from model.avatar.targets import Targets, targets
from model.body.a_pose import a_pose
from model.body.smplx import read_body
from model.engines.up2you.files import BODY
from model.mesh.cameras import AZIMUTHS, orthographic_cameras
from model.mesh.mesh import Mesh
from model.mesh.placement import normalised
from model.mesh.rasterise_torch import Torch
from model.weights.pack import DEMO

MARKS = (50, 100, 200, 400)  # iterations after which there is a row, beside the last
LARGEST_MM, PERSON_M = 8.0, 1.75
SIZE = 512  # from which on the distance has a target


@dataclass(frozen=True)
class Case:
    """One reconstruction.

    read: the targets went through pictures of 8 bits and lost their rims, as the pipeline's do.
    """

    seed: int
    size: int
    reference: bool = False
    read: bool = False

    @property
    def name(self) -> str:
        if self.read:
            return "ours, rims off"
        return "as published" if self.reference else "ours"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.geometry", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 256])
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report = Report(
        name="geometry",
        title="Shapes from exact normals and silhouettes",
        how="Dressed people of the free body, rendered in six views; the start is the mean body in A pose. Chamfer: "
        "symmetric mean distance between 100,000 points each of the surfaces seen from outside, of a person "
        f"{PERSON_M} m tall; two draws of points from the same surface are as far apart as `draws mm` says. "
        "Rims off: the pictures of normals in 8 bits, two pixels of 1024, one of 512, taken off the masks all around, "
        "as the pipeline does because generated mattes are too wide; these are not. As published: edges get as short "
        "in small pictures as in large. An iteration's seconds are of those since the row before; one thread where it "
        "is the processor's.",
        device=arguments.device,
    )
    for case in cases(arguments.sizes, arguments.people):
        rows = list(measured(case, arguments.iterations, torch.device(arguments.device)))
        report.rows += rows
        if case.name == "ours" and case.size >= SIZE:
            start, *_, end = (float(row["Chamfer mm"]) for row in rows)
            what = f"Chamfer of person {case.seed} at {case.size} (8 mm and half the start's)"
            report.targets.append(Target(what, end, min(LARGEST_MM, start / 2), "mm"))
        report.publish()  # after each: on a processor the next may take half an hour


def cases(sizes: list[int], people: int) -> Iterator[Case]:
    """What counts, at every size; then, of one person, with lost rims and, where it is cheapest, as published."""
    yield from (Case(seed, size) for size in sizes for seed in range(people))
    yield Case(0, max(sizes), read=True)
    yield Case(0, min(sizes), reference=True)


def measured(case: Case, iterations: int, device: torch.device) -> Iterator[Row]:
    """Reconstruct one person; a row for the start, the marks and the end."""
    body = read_body(DEMO / BODY)
    person, start = (
        Mesh(mesh.vertices.to(device), mesh.faces.to(device))
        for mesh in (dressed_body(case.seed), a_pose(body, torch.zeros(10)))
    )
    truth = outer_points(person, Torch(), seed=0)
    low, high = person.vertices[:, 1].aminmax()
    mm = 1000 * PERSON_M / float(high - low)  # of a person so tall

    def distance(mesh: Mesh) -> float:
        return mm * chamfer(truth, outer_points(mesh, Torch(), seed=1))

    draws = distance(person)
    seen = exact_targets(person, start, case.size)
    work = Reconstruction(
        start,
        targets(pictures(seen), case.size) if case.read else seen,
        Torch(),
        seed=0,
        iterations=iterations,
        reference=case.reference,
    )
    seconds = 0.0
    for mark in (0, *(mark for mark in MARKS if mark < iterations), iterations):
        count = mark - work.done
        began = time.perf_counter()
        work.advance(count)
        mesh = work.mesh()  # waits for the device
        block_s = time.perf_counter() - began
        seconds += block_s
        yield {
            "person": str(case.seed),
            "size": str(case.size),
            "remeshing": case.name,
            "iterations": mark,
            "Chamfer mm": distance(mesh),
            "draws mm": draws,
            "triangles": f"{len(mesh.faces):,}",
            "s": seconds,
            "s an iteration": block_s / max(count, 1),
        }


def exact_targets(person: Mesh, start: Mesh, size: int) -> Targets:
    """What the six views show of a person in the place of a body."""
    _, centre, scale = normalised(start.vertices, HALF_HEIGHT)
    cameras = orthographic_cameras(AZIMUTHS, RADIUS).to(person.vertices)
    with torch.no_grad():
        seen = render_normals(Torch(), (person.vertices - centre) * scale, person.faces, cameras, size)
    return Targets(*seen)


def pictures(seen: Targets) -> list[Image.Image]:
    """The same as files would hold it."""
    colours = (seen.normals / seen.masks.clamp_min(1e-6)).clamp(0, 1)
    pixels = (torch.cat([colours, seen.masks], -1) * 255).round().byte()
    return [Image.fromarray(view) for view in pixels.numpy(force=True)]


if __name__ == "__main__":
    main()
