"""An optimiser that moves the vertices of a mesh and remeshes it as it goes (Palfinger 2022).

Adam with one second moment per vertex. How steadily a vertex moves, its speed, decides how long the edges around it
shall be: where much is still to be done steps and edges are long, where it settles they become short.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from model.mesh.edges import Edges
from model.mesh.mesh import Mesh
from model.mesh.remesh import remesh

# All numbers are UP2You's.
LEARNING_RATE = 0.3  # in wanted edge lengths a step
MOMENTUM = 0.8  # of both moments
MAX_GRADIENT = 10.0  # in first moments; a gradient beyond is clipped
SMOOTHING = 0.02  # pull towards the mean of the neighbours, per speed
STEADY_SPEED = 0.3  # at which edges keep their length
LENGTH_GAIN = 0.2  # how much the wanted length changes, per speed beyond the steady one
LENGTH_TOLERANCE = 0.5  # edges may be so much shorter or longer than wanted
_EPSILON = 1e-8  # so that nothing is divided by 0

# The columns of the state: what a vertex carries through remeshing.
_COLUMNS = [3, 1, 1, 3, 1]  # position, second moment, speed, first moment, wanted edge length
_POSITION, _LENGTH = slice(0, 3), slice(8, 9)  # where two of them are


class MeshOptimiser:
    """Descends a loss of the vertices.

    Args:
        mesh: where it starts.
        edge_lengths: the shortest and the longest that edges shall be, in the mesh's units.
        generator: on the CPU, for the remeshing.
        learning_rate: in wanted edge lengths a step, for a vertex at full speed.
        reference: as published, slips included (see `flip`).
    """

    def __init__(
        self,
        mesh: Mesh,
        edge_lengths: tuple[float, float],
        generator: Generator,
        *,
        learning_rate: float = LEARNING_RATE,
        reference: bool = False,
    ) -> None:
        vertices = mesh.vertices
        self.edge_lengths = edge_lengths
        self.learning_rate = learning_rate
        self.reference = reference
        self.steps = 0
        self._generator = generator
        self._state = vertices.new_zeros(len(vertices), sum(_COLUMNS))
        self._state[:, _POSITION] = vertices
        self._state[:, _LENGTH] = edge_lengths[1]
        self._edges = Edges.of(mesh.faces, len(vertices))

    @property
    def mesh(self) -> Mesh:
        """As it is now."""
        return Mesh(self._state[:, _POSITION].clone(), self._edges.faces)

    def step(self, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """One step down `loss`, a scalar of vertices, (V, 3), and faces, (F, 3), and its value before; then remesh."""
        vertices = self._state[:, _POSITION].clone().requires_grad_()
        with torch.enable_grad():
            value = loss(vertices, self._edges.faces)
        [gradient] = torch.autograd.grad(value, vertices)
        self._move(gradient)
        self._state, self._edges = remesh(
            self._state,
            self._edges,
            1 - LENGTH_TOLERANCE,
            1 + LENGTH_TOLERANCE,
            self._generator,
            reference=self.reference,
        )
        return value.detach()

    def _move(self, gradient: Tensor) -> None:
        self.steps += 1
        position, second, speed, first, length = torch.split(self._state, _COLUMNS, dim=1)
        smoothing = position - self._edges.mean_of_neighbours(position)
        gradient = gradient + SMOOTHING * speed * smoothing
        if self.steps > 1:
            bound = MAX_GRADIENT * first.abs()
            gradient = torch.maximum(torch.minimum(gradient, bound), -bound)
        # the bias of a moment that began at zero is taken out as it grows, so the state holds it corrected
        keep = MOMENTUM * (1 - MOMENTUM ** (self.steps - 1)) / (1 - MOMENTUM**self.steps)
        first = first * keep + gradient * (1 - keep)
        second = second * keep + gradient.square().sum(1, keepdim=True) * (1 - keep)
        velocity = first / (second.sqrt() + _EPSILON)
        speed = velocity.norm(dim=1, keepdim=True)
        ramp = min(1.0, self.steps * (1 - MOMENTUM))
        position = position - self.learning_rate * ramp * velocity * length
        if self.steps % _length_interval(self.steps) == 0:
            length = (length * (1 + (speed - STEADY_SPEED) * LENGTH_GAIN)).clamp(*self.edge_lengths)
        self._state = torch.cat([position, second, speed, first, length], 1)


def _length_interval(step: int) -> int:
    """Wanted edge lengths change ever more often, as published: every so many steps."""
    if step < 500:
        return 4
    return 2 if step < 800 else 1
