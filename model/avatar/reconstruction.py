"""From the body and six pictures of normals to the person's shape.

The body's mesh is moved and remeshed until its normals and silhouettes, seen from the six views, are those of the
pictures. Lengths are in the reference's units: the body, 3.6 high, stands in the middle of pictures 4 wide.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from model.avatar.fitting import SparseLoss
from model.avatar.targets import Targets
from model.mesh.cameras import AZIMUTHS, orthographic_cameras, to_clip
from model.mesh.mesh import Mesh
from model.mesh.normals import vertex_normals
from model.mesh.optimiser import MeshOptimiser
from model.mesh.placement import normalised
from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import Rasteriser, interpolate

HALF_HEIGHT = 1.8  # of the body, as published
RADIUS = 2.0  # of the cameras
EDGE_LENGTHS = (0.01, 0.1)  # the shortest and longest that edges are made, as published
EDGE_SIZE = 1024  # of pictures that edges as short as the shortest are for
ITERATIONS = 700  # the published number


class Reconstruction:
    """An optimisation that goes on as far as it is told, so that others may use the device in between.

    Args:
        start: the body in A-pose, metres. Where it is tells where the computation runs.
        targets: from the six views.
        rasteriser: of any kind.
        seed: of the remeshing.
        iterations: how many there will be.
        reference: as published, slips included.
    """

    def __init__(
        self,
        start: Mesh,
        targets: Targets,
        rasteriser: Rasteriser,
        *,
        seed: int,
        iterations: int = ITERATIONS,
        reference: bool = False,
    ) -> None:
        vertices, self._centre, self._scale = normalised(start.vertices, HALF_HEIGHT)
        self._targets = Targets(targets.normals.to(vertices), targets.masks.to(vertices))
        self._cameras = orthographic_cameras(AZIMUTHS, RADIUS).to(vertices)
        self._rasteriser = rasteriser
        generator = Generator().manual_seed(seed)
        lengths = EDGE_LENGTHS if reference else edge_lengths(targets.masks.shape[1])
        self._optimiser = MeshOptimiser(Mesh(vertices, start.faces), lengths, generator, reference=reference)
        self.total = iterations
        self._reference = reference
        self._sparse = SparseLoss(self._targets, self._cameras)

    @property
    def done(self) -> int:
        """Iterations so far, of `total`."""
        return self._optimiser.steps

    def advance(self, iterations: int) -> None:
        """Do some more, but not beyond `total`."""
        for _ in range(min(iterations, self.total - self.done)):
            self._optimiser.step(self._loss)

    def mesh(self) -> Mesh:
        """As it is now, in metres, where the body was."""
        mesh = self._optimiser.mesh
        return Mesh(mesh.vertices / self._scale + self._centre, mesh.faces)

    def _loss(self, vertices: Tensor, faces: Tensor) -> Tensor:
        """Mean difference of normals plus mean difference of silhouettes."""
        if isinstance(self._rasteriser, Torch) and not self._reference:
            return self._sparse(self._rasteriser, vertices, faces)
        size = self._targets.masks.shape[1]
        normals, alpha = render_normals(
            self._rasteriser, vertices, faces, self._cameras, size, reference=self._reference
        )
        return (normals - self._targets.normals).abs().mean() + (alpha - self._targets.masks).abs().mean()


def edge_lengths(size: int) -> tuple[float, float]:
    """The shortest and the longest edges for pictures of `size`: in small ones no shorter, in pixels, than in large.

    What they show is as well told by fewer triangles: twice the length is a quarter of them.
    """
    shortest, longest = EDGE_LENGTHS
    return min(shortest * max(1.0, EDGE_SIZE / size), longest), longest


def render_normals(
    rasteriser: Rasteriser, vertices: Tensor, faces: Tensor, cameras: Tensor, size: int, *, reference: bool = False
) -> tuple[Tensor, Tensor]:
    """World normals as colours in 0..1, (views, size, size, 3), times coverage, (views, size, size, 1).

    vertices: (V, 3). faces: (F, 3). cameras: (views, 4, 4). Differentiable in the vertices, at silhouettes too.
    reference: half-covered pixels are blended with white before they are weighed by their coverage, as published.
    """
    clip = to_clip(vertices, cameras)
    fragments = rasteriser.rasterise(clip, faces, size, size)
    covered = (fragments.faces >= 0)[..., None].to(vertices.dtype)
    colours = (interpolate(vertex_normals(vertices, faces), faces, fragments) + 1) / 2
    background = 1.0 if reference else 0.0
    picture = torch.cat([covered * colours + background * (1 - covered), covered], -1)
    picture = rasteriser.antialias(picture, fragments, clip, faces).clamp(0, 1)
    colours, alpha = picture[..., :3], picture[..., 3:]
    return (colours * alpha + 1 - alpha) * alpha if reference else colours, alpha
