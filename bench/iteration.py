"""How long one iteration of the mesh takes, by the size of the pictures and the number of triangles."""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch
from torch import Generator, Tensor

from bench.geometry import exact_targets
from bench.people3d.people3d import dressed_body
from bench.report import Report, Row
from model.avatar.fitting import SparseLoss
from model.avatar.reconstruction import HALF_HEIGHT, RADIUS, render_normals
from model.avatar.targets import Targets
from model.mesh.cameras import AZIMUTHS, orthographic_cameras
from model.mesh.decimation import decimated
from model.mesh.edges import Edges
from model.mesh.mesh import Mesh
from model.mesh.optimiser import MeshOptimiser
from model.mesh.placement import normalised
from model.mesh.rasterise_torch import Torch
from model.mesh.rasterisers import open_rasteriser

SIZES = (256, 512, 1024)
TRIANGLES = (6_000, 20_000, 50_000)  # before the first iteration, which evens their edges out
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.iteration", description=__doc__)
    parser.add_argument("--device", default="cpu")
    device = torch.device(parser.parse_args().device)
    torch.set_num_threads(1)
    report = Report(
        name="iteration",
        title="One iteration of the mesh",
        how=f"A dressed person of so many triangles, six views, {open_rasteriser(device).name} rasteriser, one "
        f"thread where it is the processor's. Medians of {ROUNDS} iterations; on a processor in its own time, which "
        "other work on the machine hardly touches. Loss: pictures of normals and silhouettes, and the gradient; the "
        "rest moves and remeshes. Our own rasteriser computes only pixels that show something; what all of them "
        "cost stands beside it.",
        device=device.type,
    )
    dressed = dressed_body(0)
    for triangles in TRIANGLES:
        mesh = decimated(dressed, triangles)
        mesh = Mesh(mesh.vertices.to(device), mesh.faces.to(device))
        report.rows += [measured(mesh, size) for size in SIZES]
    report.publish()


def measured(mesh: Mesh, size: int) -> Row:
    """Iterations that begin with the mesh where it should be."""
    rasteriser = open_rasteriser(mesh.vertices.device)
    cameras = orthographic_cameras(AZIMUTHS, RADIUS).to(mesh.vertices)
    vertices, *_ = normalised(mesh.vertices, HALF_HEIGHT)
    targets = exact_targets(mesh, mesh, size)
    length = float(Edges.of(mesh.faces, len(vertices)).lengths(vertices).mean())
    optimiser = MeshOptimiser(Mesh(vertices, mesh.faces), (length, length), Generator().manual_seed(0))

    def of_all_pixels(vertices: Tensor, faces: Tensor) -> Tensor:
        normals, masks = render_normals(rasteriser, vertices, faces, cameras, size)
        return difference(Targets(normals, masks), targets)

    sparse = SparseLoss(targets, cameras)

    def loss(vertices: Tensor, faces: Tensor) -> Tensor:
        return sparse(rasteriser, vertices, faces) if isinstance(rasteriser, Torch) else of_all_pixels(vertices, faces)

    optimiser.step(loss)  # warms up
    clock = time.process_time if vertices.device.type == "cpu" else time.perf_counter
    plain_s: list[float] = []
    losses_s: list[float] = []
    iterations_s = []
    for _ in range(ROUNDS):
        now = optimiser.mesh
        for compute, taken_s in ((of_all_pixels, plain_s), (loss, losses_s)):
            began = clock()
            moved = now.vertices.clone().requires_grad_()
            torch.autograd.grad(compute(moved, now.faces), moved)[0].cpu()
            taken_s.append(clock() - began)
        began = clock()
        optimiser.step(loss)
        optimiser.mesh.vertices.cpu()  # waits for the device
        iterations_s.append(clock() - began)
    return {
        "triangles": f"{len(optimiser.mesh.faces):,}",
        "size": str(size),
        "s": median(iterations_s),
        "of it loss s": median(losses_s),
        "loss over all pixels s": median(plain_s),
    }


def difference(found: Targets, wanted: Targets) -> Tensor:
    return (found.normals - wanted.normals).abs().mean() + (found.masks - wanted.masks).abs().mean()


if __name__ == "__main__":
    main()
