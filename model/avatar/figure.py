"""An avatar in the pose in which it is written, bound to its skeleton."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from PIL import Image
from torch import Tensor

from model.body.joints import JOINTS, MIXAMO, VRM
from model.body.reposing import at_rest
from model.body.skinning import strongest, transfer_skin
from model.body.smplx import BodyModel, Posed
from model.mesh.levels import DetailLevel
from model.mesh.mesh import Mesh
from model.mesh.skeleton import Skeleton, Skin
from model.mesh.surface import Surface

BindPose = Literal["a", "t"]


@dataclass(frozen=True)
class Wearer:
    """Whose skeleton it is. betas: (10,). posed: the shaped body in the pose and place of the reconstruction."""

    body: BodyModel
    betas: Tensor
    posed: Posed

    def skin(self, mesh: Mesh) -> Skin:
        """Of a mesh reconstructed around `posed`. If that is itself the mesh, it keeps its own weights."""
        if torch.equal(mesh.vertices.cpu(), self.posed.vertices.cpu()):
            return strongest(self.body.weights.cpu())
        return transfer_skin(mesh, Mesh(self.posed.vertices, self.body.faces), self.body.weights)

    def joints(self, pose: BindPose) -> Tensor:
        """(J, 3) metres."""
        if pose == "a":
            return self.posed.joints.cpu()
        return (self.body.joint_regressor @ self.body.shaped(self.betas)).cpu()


@dataclass(frozen=True)
class Figure:
    """One level of detail in a pose. joints: (J, 3), where the mesh is. skin: of its vertices, or None where nobody
    asks for it."""

    level: DetailLevel
    joints: Tensor
    parents: tuple[int, ...]
    skin: Skin | None

    @classmethod
    def of(cls, level: DetailLevel, wearer: Wearer, pose: BindPose, *, rig: bool) -> Figure:
        """level: reconstructed around the wearer's body."""
        skin = wearer.skin(level.mesh) if rig or pose == "t" else None
        if pose == "t" and skin is not None:
            level = replace(level, mesh=at_rest(level.mesh, skin, wearer.posed.transforms))
        parents = tuple(wearer.body.parents.tolist())
        return cls(level, wearer.joints(pose), parents, skin if rig else None)

    def moved(self, offset: Tensor) -> Figure:
        """Somewhere else. offset: (3,)."""
        mesh = replace(self.level.mesh, vertices=self.level.mesh.vertices + offset)
        return replace(self, level=replace(self.level, mesh=mesh), joints=self.joints + offset.cpu())

    @property
    def bare(self) -> Surface:
        """Painted by its vertices."""
        return Surface.painted(self.level.mesh)

    def surface(self, texture: Image.Image | None) -> Surface:
        """Painted by the atlas's picture, if there is one."""
        atlas = self.level.atlas
        if atlas is None or texture is None:
            return self.bare
        return Surface.textured(self.level.mesh, atlas.source, atlas.faces, atlas.uv, texture)

    @property
    def skeleton(self) -> Skeleton | None:
        """Of that surface."""
        if self.skin is None:
            return None
        atlas = self.level.atlas
        skin = self.skin if atlas is None else self.skin.at(atlas.source.cpu())
        return Skeleton(JOINTS, self.parents, self.joints, skin, {"vrm": VRM, "mixamo": MIXAMO})
