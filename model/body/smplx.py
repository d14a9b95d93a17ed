"""A parametric body of SMPL-X's form: its file, its shape and linear blend skinning (Pavlakos et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.body.archive import read_archive
from model.errors import WeightsError

SHAPES = 10  # shape components that are used; published files have more
EXPRESSIONS_FROM = 300  # where expression components begin in a file that has them
EXPRESSIONS = 10  # of those that are used, the published number
ARRAYS = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table")


@dataclass(frozen=True)
class Posed:
    """A body in a pose. vertices: (V, 3) and joints: (J, 3), metres. transforms: (J, 4, 4), what each joint does to a
    point of the body at rest."""

    vertices: Tensor
    joints: Tensor
    transforms: Tensor


@dataclass(frozen=True)
class BodyModel:
    """The tensors of a body, float32 but for the two of indices.

    template: (V, 3) metres. faces: (F, 3). shape_directions: (V, 3, 10). expression_directions: (V, 3, 0 or 10).
    pose_directions: (9 (J - 1), V x 3), or (0, V x 3) for a body without pose correction. joint_regressor: (J, V).
    weights: (V, J). parents: (J,), of the root -1; a parent comes before its children.
    """

    template: Tensor
    faces: Tensor
    shape_directions: Tensor
    expression_directions: Tensor
    pose_directions: Tensor
    joint_regressor: Tensor
    weights: Tensor
    parents: Tensor

    def shaped(self, betas: Tensor, expression: Tensor | None = None) -> Tensor:
        """Vertices, (V, 3), of a body at rest. betas: (10,); expression: (10,), neutral when absent."""
        vertices = self.template + self.shape_directions @ betas
        if expression is not None:
            vertices = vertices + self.expression_directions @ expression
        return vertices

    def posed(
        self,
        betas: Tensor,
        axis_angles: Tensor,
        translation: Tensor | None = None,
        expression: Tensor | None = None,
    ) -> Posed:
        """The body with its joints turned. axis_angles: (J, 3) radians, the root's first; translation: (3,) metres."""
        rest = self.shaped(betas, expression)
        joints = self.joint_regressor @ rest
        turns = rotation_matrices(axis_angles)
        if len(self.pose_directions):
            bend = (turns[1:] - torch.eye(3).to(turns)).flatten()
            rest = rest + (bend @ self.pose_directions).view_as(rest)
        chain = self._chain(turns, joints)
        # What a joint does to a point at rest: to the joint's own frame, then along the chain.
        transforms = chain.clone()
        transforms[:, :3, 3] -= (chain[:, :3, :3] @ joints[..., None])[..., 0]
        if translation is not None:
            transforms[:, :3, 3] += translation
            chain[:, :3, 3] += translation
        blended = (self.weights @ transforms.flatten(1)).view(-1, 4, 4)
        vertices = (blended[:, :3, :3] @ rest[..., None])[..., 0] + blended[:, :3, 3]
        return Posed(vertices, chain[:, :3, 3], transforms)

    def _chain(self, turns: Tensor, joints: Tensor) -> Tensor:
        """Where each joint's frame comes to lie, from the root outwards: (J, 4, 4)."""
        parents = self.parents.tolist()
        local = torch.eye(4).to(turns).repeat(len(parents), 1, 1)
        local[:, :3, :3] = turns
        local[0, :3, 3] = joints[0]
        local[1:, :3, 3] = joints[1:] - joints[self.parents[1:]]
        chain = [local[0]]
        for joint, parent in enumerate(parents[1:], 1):
            chain.append(chain[parent] @ local[joint])
        return torch.stack(chain)

    def to(self, device: torch.device) -> BodyModel:
        """The same on another device."""
        return BodyModel(**{name: tensor.to(device) for name, tensor in vars(self).items()})


def rotation_matrices(axis_angles: Tensor) -> Tensor:
    """Rodrigues' formula: (J, 3) radians to (J, 3, 3). A tiny shift keeps the axis of no rotation defined."""
    angle = (axis_angles + 1e-8).norm(dim=1, keepdim=True)
    x, y, z = (axis_angles / angle).unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(-1, 3, 3)
    angle = angle[..., None]
    turns: Tensor = torch.eye(3).to(cross) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)
    return turns


def read_body(file: Path) -> BodyModel:
    """Read a body in the published layout (SMPLX_NEUTRAL.npz) or one of its form with fewer vertices, joints or
    components.

    Raises:
        WeightsError: the file cannot be read, an array is absent, or has another shape than the others ask for.
    """
    arrays = _Arrays(file, read_archive(file, ARRAYS))
    template = arrays.floats("v_template", (None, 3))
    vertices = len(template)
    weights = arrays.floats("weights", (vertices, None))
    joints = weights.shape[1]
    shapes = arrays.floats("shapedirs", (vertices, 3, None))
    if shapes.shape[2] < SHAPES:
        raise WeightsError(f"{file}: shapedirs has {shapes.shape[2]} components, at least {SHAPES} are needed")
    bends = arrays.floats("posedirs", (vertices, 3, None)) if arrays.has("posedirs") else torch.zeros(vertices, 3, 0)
    if bends.shape[2] not in (0, 9 * (joints - 1)):
        raise WeightsError(f"{file}: posedirs has {bends.shape[2]} components, expected {9 * (joints - 1)} or none")
    return BodyModel(
        template=template,
        faces=arrays.faces(vertices),
        shape_directions=shapes[..., :SHAPES].contiguous(),
        expression_directions=shapes[..., EXPRESSIONS_FROM : EXPRESSIONS_FROM + EXPRESSIONS].contiguous(),
        pose_directions=bends.flatten(0, 1).T.contiguous(),
        joint_regressor=arrays.floats("J_regressor", (joints, vertices)),
        weights=weights,
        parents=arrays.parents(joints),
    )


@dataclass(frozen=True)
class _Arrays:
    """The arrays of a body's file, each checked as it is taken."""

    file: Path
    content: dict[str, np.ndarray]

    def has(self, name: str) -> bool:
        return name in self.content

    def take(self, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
        if name not in self.content:
            raise WeightsError(f"{self.file}: no array {name}")
        array = self.content[name]
        expected = tuple(have if want is None else want for have, want in zip(array.shape, shape, strict=False))
        if array.ndim != len(shape) or array.shape != expected:
            wanted = ", ".join("any" if length is None else str(length) for length in shape)
            raise WeightsError(f"{self.file}: {name} has shape {array.shape}, expected ({wanted})")
        return array

    def floats(self, name: str, shape: tuple[int | None, ...]) -> Tensor:
        array = self.take(name, shape)
        if array.dtype.kind != "f":
            raise WeightsError(f"{self.file}: {name} has type {array.dtype}, expected floating point")
        tensor = torch.from_numpy(array.astype(np.float32))
        if not tensor.isfinite().all():
            raise WeightsError(f"{self.file}: {name} has values that are not finite")
        return tensor

    def faces(self, vertices: int) -> Tensor:
        faces = self.take("f", (None, 3)).astype(np.int64)
        if faces.size and (faces.min() < 0 or faces.max() >= vertices):
            raise WeightsError(f"{self.file}: f names vertex {faces.max()}, there are {vertices}")
        return torch.from_numpy(faces)

    def parents(self, joints: int) -> Tensor:
        parents = self.take("kintree_table", (2, joints))[0].astype(np.int64)
        parents[0] = -1  # the root's parent is written as a huge number or as -1
        if not all(0 <= parent < joint for joint, parent in enumerate(parents.tolist()[1:], 1)):
            raise WeightsError(f"{self.file}: kintree_table has a joint before its parent: {parents.tolist()}")
        return torch.from_numpy(parents)
