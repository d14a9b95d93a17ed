"""Our rasteriser in plain torch: seconds a view, alone and with the gradient, against a loop over triangles."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import torch
from torch import Tensor

from bench.report import Report, Row
from model.mesh.cameras import AZIMUTHS, orthographic_cameras, to_clip
from model.mesh.normals import vertex_normals
from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import interpolate
from tests.model.mesh import plain
from tests.model.mesh.shapes import sphere

ROUNDS = 3
SIZE, SUBDIVISIONS = 1024, 6  # 81,920 triangles
SMALL_SIZE, SMALL_SUBDIVISIONS = 128, 3  # what the loop manages in seconds
PERSON = torch.tensor([0.25, 0.9, 0.2])  # half extents, about a person's; covers a sixth of the picture


@dataclass
class Measured:
    """One way to do it."""

    views: int
    work: Callable[[], object]
    seconds: list[float] = field(default_factory=list)  # of each round, for one view
    cpu_s: list[float] = field(default_factory=list)


def main() -> None:
    torch.set_num_threads(1)
    report = Report(
        name="rasteriser",
        title="Rasterising in plain torch",
        how=f"An ellipsoid of a person's proportions (and a ball that fills the picture), one thread, {ROUNDS} rounds "
        "taking turns, medians for one view. With the gradient: six views of normals and mask as in reconstruction, "
        "antialiased, and back to the vertices. The loop takes triangle after triangle and asks every pixel.",
    )
    person, faces = sphere(SUBDIVISIONS, radius=1.0)
    ball, person = person * 0.9, person * PERSON
    small, small_faces = sphere(SMALL_SUBDIVISIONS, radius=1.0)
    small = small * PERSON
    measured = {
        name(faces, SIZE, "person, faces and weights"): Measured(6, lambda: forward(person, faces, SIZE)),
        name(faces, SIZE, "ball, faces and weights"): Measured(6, lambda: forward(ball, faces, SIZE)),
        name(faces, SIZE, "person, picture"): Measured(6, lambda: render(person, faces)),
        name(faces, SIZE, "person, picture and gradient"): Measured(6, lambda: gradient(person, faces)),
        name(small_faces, SMALL_SIZE, "person, faces and weights"): Measured(
            6, lambda: forward(small, small_faces, SMALL_SIZE)
        ),
        name(small_faces, SMALL_SIZE, "person, the loop"): Measured(1, lambda: loop(small, small_faces)),
    }
    for _ in range(ROUNDS):
        for result in measured.values():
            began, used_s = time.perf_counter(), time.process_time()
            result.work()
            result.seconds.append((time.perf_counter() - began) / result.views)
            result.cpu_s.append((time.process_time() - used_s) / result.views)
    report.rows = [row(what, result) for what, result in measured.items()]
    report.publish()


def name(faces: Tensor, size: int, what: str) -> str:
    return f"{what}; {len(faces):,} triangles at {size} x {size}"


def row(what: str, result: Measured) -> Row:
    return {"what": what, "ms a view": median(result.seconds) * 1e3, "CPU ms a view": median(result.cpu_s) * 1e3}


def forward(vertices: Tensor, faces: Tensor, size: int) -> None:
    Torch().rasterise(to_clip(vertices, orthographic_cameras(AZIMUTHS)), faces, size, size)


def render(vertices: Tensor, faces: Tensor) -> Tensor:
    rasteriser, clip = Torch(), to_clip(vertices, orthographic_cameras(AZIMUTHS))
    fragments = rasteriser.rasterise(clip, faces, SIZE, SIZE)
    normals = interpolate(vertex_normals(vertices, faces), faces, fragments)
    covered = (fragments.faces >= 0).to(normals.dtype)[..., None]
    return rasteriser.antialias(torch.cat([normals, covered], dim=-1), fragments, clip, faces)


def gradient(vertices: Tensor, faces: Tensor) -> None:
    moved = vertices.clone().requires_grad_()
    torch.autograd.grad(render(moved, faces).square().mean(), moved)


def loop(vertices: Tensor, faces: Tensor) -> None:
    plain.rasterise(to_clip(vertices, orthographic_cameras([0]))[0], faces, SMALL_SIZE, SMALL_SIZE)


if __name__ == "__main__":
    main()
