"""How near the reconstruction comes to a person whose normals and silhouettes it is given, and how long it takes."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import torch

from bench.report import Report, Row, Target
from model.body.a_pose import a_pose, normalised
from model.body.cameras import AZIMUTHS, orthographic_cameras
from model.body.smplx import read_body
from model.mesh.chamfer import chamfer, outer_points
from model.mesh.mesh import Mesh
from model.mesh.rasterise_torch import Torch
from model.synthetic.people3d import dressed_body
from model.up2you.files import BODY
from model.up2you.reconstruction import HALF_HEIGHT, ITERATIONS, RADIUS, Reconstruction, render_normals
from model.up2you.targets import Targets
from model.weights.pack import DEMO

SLICE = 20  # iterations
LARGEST_M = 0.008


@dataclass(frozen=True)
class Case:
    """One reconstruction."""

    seed: int
    size: int
    iterations: int
    reference: bool = False

    @property
    def name(self) -> str:
        return "as published" if self.reference else "ours"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.geometry", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    report = Report(
        name="geometry",
        title="Shapes from exact normals and silhouettes",
        how="Dressed people of the free body, rendered by our rasteriser in six views; the start is the mean body. "
        "Chamfer: symmetric mean distance between 100,000 points each of the surfaces seen from outside.",
        device=arguments.device,
    )
    cases = [
        Case(seed, size, arguments.iterations, reference)
        for size in arguments.sizes
        for seed in range(arguments.people)
        for reference in (False, True)
    ]
    for case in cases:
        row = measure(case, torch.device(arguments.device))
        report.rows.append(row)
        if case.size >= 512 and not case.reference:
            limit = min(LARGEST_M, float(row["before mm"]) / 2000)
            what = f"Chamfer of person {case.seed} at {case.size}"
            report.targets.append(Target(what, float(row["after mm"]), 1000 * limit, "mm"))
    report.publish()


def measure(case: Case, device: torch.device) -> Row:
    """Reconstruct one person."""
    person = dressed_body(case.seed)
    body = read_body(DEMO / BODY)
    start = a_pose(body, torch.zeros(10))
    person, start = (Mesh(mesh.vertices.to(device), mesh.faces.to(device)) for mesh in (person, start))
    truth = outer_points(person, Torch(), seed=0)
    began = time.perf_counter()
    reconstruction = Reconstruction(
        start,
        exact_targets(person, start, case.size),
        Torch(),
        seed=0,
        iterations=case.iterations,
        reference=case.reference,
    )
    while reconstruction.done < reconstruction.total:
        reconstruction.advance(SLICE)
    mesh = reconstruction.mesh()
    seconds = time.perf_counter() - began
    return {
        "person": str(case.seed),
        "size": case.size,
        "remeshing": case.name,
        "iterations": case.iterations,
        "before mm": 1000 * chamfer(truth, outer_points(start, Torch(), seed=1)),
        "after mm": 1000 * chamfer(truth, outer_points(mesh, Torch(), seed=1)),
        "faces": len(mesh.faces),
        "s": seconds,
        "ms an iteration": 1000 * seconds / case.iterations,
    }


def exact_targets(person: Mesh, start: Mesh, size: int) -> Targets:
    """What the six views show of a person in the place of a body."""
    _, centre, scale = normalised(start.vertices, HALF_HEIGHT)
    cameras = orthographic_cameras(AZIMUTHS, RADIUS).to(person.vertices)
    with torch.no_grad():
        pictures = render_normals(Torch(), (person.vertices - centre) * scale, person.faces, cameras, size)
    return Targets(*pictures)


if __name__ == "__main__":
    main()
