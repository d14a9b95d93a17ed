"""How true colours are after they went from six pictures to a mesh and back, and how long that takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.people3d.people3d import dressed_body
from bench.report import Report, Row, Target
from model.avatar.colour import THRESHOLD, coloured, coloured_as_published, views_of
from model.mesh.atlas import Atlas, unwrap
from model.mesh.baking import bake
from model.mesh.cameras import AZIMUTHS
from model.mesh.decimation import decimated
from model.mesh.mesh import Mesh
from model.mesh.placement import normalised
from model.mesh.rasterise_torch import Torch
from model.mesh.view_projection import Projection
from tests.model.mesh.painted import checks, pictures, psnr, smooth, with_texture, with_vertex_colours

FACES, PICTURE, TEXTURES = 60_000, 768, (1024, 2048)
BETWEEN = (22, 135)  # azimuths nobody saw
LEAST_PSNR, MOST_LOSS = 28.0, 1.0
PUBLISHED, VERTICES = "vertices, as published", "vertices"

Look = Callable[[tuple[int, ...]], Tensor]  # pictures from azimuths


@dataclass(frozen=True)
class Way:
    """One way to keep colours: how it looks, and the seconds it took."""

    name: str
    look: Look
    seconds: float


def main() -> None:
    torch.set_num_threads(1)
    dressed = dressed_body(seed=0)
    vertices, *_ = normalised(dressed.vertices, half_height=1.8)
    dressed = Mesh(vertices, dressed.faces, dressed.colours)
    mesh = decimated(dressed, FACES)
    began = time.perf_counter()
    atlases = [unwrap(mesh, size) for size in TEXTURES]
    unwrap_s = (time.perf_counter() - began) / len(atlases)
    report = Report(
        name="colour",
        title="Colours from six pictures to a mesh and back",
        how=f"A dressed synthetic person of {len(dressed.faces)} faces, painted, seen in six pictures of {PICTURE} x "
        f"{PICTURE}; colours are put on {len(mesh.faces)} faces made of it and rendered again. PSNR of the colours "
        "inside the mask, in dB, from the six azimuths and from two that were never shown. Clothes: the person's own "
        f"colours; what else is painted is painted on the {len(mesh.faces)} faces. Checks are cubes of 6 cm and of "
        "2.4 cm. Seconds are of one thread, "
        f"visibility included; the atlas's unwrapping took {unwrap_s:.1f} s beside.",
    )
    scores = {}
    for paint, look in paints(dressed, mesh).items():
        for way in ways(mesh, atlases, look(AZIMUTHS)):
            scores[paint, way.name] = psnr(way.look(AZIMUTHS), look(AZIMUTHS))
            report.rows.append(row(paint, way, scores[paint, way.name], psnr(way.look(BETWEEN), look(BETWEEN))))
    report.targets = list(targets(scores))
    report.publish()


def paints(dressed: Mesh, mesh: Mesh) -> dict[str, Look]:
    own = dressed.colours
    assert own is not None
    return {
        "clothes": lambda azimuths: with_vertex_colours(dressed, own, azimuths, PICTURE),
        "smooth": lambda azimuths: pictures(mesh, azimuths, PICTURE, smooth),
        "checks 6 cm": lambda azimuths: pictures(mesh, azimuths, PICTURE, checks(0.12)),
        "checks 2.4 cm": lambda azimuths: pictures(mesh, azimuths, PICTURE, checks(0.05)),
    }


def ways(mesh: Mesh, atlases: list[Atlas], seen: Tensor) -> Iterator[Way]:
    views, rasteriser = views_of(seen), Torch()
    began = time.perf_counter()
    published = coloured_as_published(mesh, views, rasteriser).colours
    yield Way(PUBLISHED, vertex_look(mesh, published), time.perf_counter() - began)
    began = time.perf_counter()
    projection = Projection(mesh, views, rasteriser)
    colours = coloured(projection).colours
    vertices_s = time.perf_counter() - began
    yield Way(VERTICES, vertex_look(mesh, colours), vertices_s)
    assert colours is not None
    for atlas in atlases:
        began = time.perf_counter()
        picture = bake(atlas, projection, colours, THRESHOLD, rasteriser)
        baking_s = time.perf_counter() - began
        texture = torch.from_numpy(np.array(picture)).float() / 255
        yield Way(texture_name(atlas.size), texture_look(mesh, atlas, texture), vertices_s + baking_s)


def vertex_look(mesh: Mesh, colours: Tensor | None) -> Look:
    assert colours is not None
    return lambda azimuths: with_vertex_colours(mesh, colours, azimuths, PICTURE)


def texture_look(mesh: Mesh, atlas: Atlas, texture: Tensor) -> Look:
    return lambda azimuths: with_texture(mesh, atlas, texture, azimuths, PICTURE)


def texture_name(size: int) -> str:
    return f"atlas {size}"


def row(paint: str, way: Way, six: float, between: float) -> Row:
    return {"paint": paint, "colours of": way.name, "six views dB": six, "between dB": between, "s": way.seconds}


def targets(scores: dict[tuple[str, str], float]) -> Iterator[Target]:
    for paint in ("clothes", "smooth"):
        for size in TEXTURES:
            atlas = scores[paint, texture_name(size)]
            what = f"{paint}, {texture_name(size)}"
            yield Target(f"{what}: short of {LEAST_PSNR:.0f} dB by", max(LEAST_PSNR - atlas, 0), 0, "dB")
            yield Target(f"{what}: below vertex colours by", max(scores[paint, VERTICES] - atlas, 0), MOST_LOSS, "dB")


if __name__ == "__main__":
    main()
