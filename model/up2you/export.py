"""The avatar as files: `avatar.glb`, `avatar.obj`, `avatar.ply` and `body.json`.

In every one of them the person stands on the ground over the origin, in metres, Y up, facing +Z, in the A pose it was
reconstructed in. That is also the bind pose of the skeleton.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from PIL import Image
from torch import Tensor

from model.body.joints import JOINTS
from model.body.measurements import describe, measure
from model.body.skinning import Rig, strongest, transfer_skin
from model.mesh.files import write_obj, write_ply
from model.mesh.glb import write_glb
from model.mesh.mesh import Mesh
from model.mesh.surface import Surface, grounded

Format = Literal["glb", "obj", "ply"]


@dataclass(frozen=True)
class InnerBody:
    """The body that the avatar was reconstructed around.

    betas: (10) its shape. parents: of its 55 joints, -1 at the root. weights: (B, 55), of its vertices.
    resting, resting_joints: shaped, in the T pose; (55, 3). posed, posed_joints: in the avatar's pose and place.
    """

    betas: Tensor
    parents: tuple[int, ...]
    weights: Tensor
    resting: Mesh
    resting_joints: Tensor
    posed: Mesh
    posed_joints: Tensor


class Unwrapping(Protocol):
    """How a mesh lies in its atlas: the mesh's vertex of each of the atlas's, (A); faces (F, 3); uv (A, 2)."""

    @property
    def source(self) -> Tensor: ...

    @property
    def faces(self) -> Tensor: ...

    @property
    def uv(self) -> Tensor: ...


def export_avatar(
    folder: Path,
    mesh: Mesh,
    body: InnerBody,
    painting: tuple[Unwrapping, Image.Image] | None = None,
    *,
    formats: Collection[Format],
    rig: bool = True,
    notice: str | None = None,
) -> list[Path]:
    """Write the avatar.

    Args:
        folder: where to; it exists.
        mesh: reconstructed around `body.posed`, with the colours of its vertices if they are known.
        body: inside of it. If it is itself the mesh, it keeps its own weights.
        painting: an atlas of the mesh and its picture. Without one, GLB and OBJ have the colours of the vertices.
            PLY always has: no texture fits into it.
        formats: what to write beside `body.json`.
        rig: false leaves out all that is the body model's: skeleton, weights, joints.
        notice: of the body model's licence, for the GLB.

    Returns:
        The files, the main one first.
    """
    offset = grounded(mesh.vertices)
    bare = Surface.painted(mesh).moved(offset)
    surface, source = bare, torch.arange(len(mesh.vertices))
    if painting is not None:
        atlas, texture = painting
        surface = Surface.textured(mesh, atlas.source, atlas.faces, atlas.uv, texture).moved(offset)
        source = atlas.source.cpu()
    if "glb" in formats:
        skeleton = _rig(mesh, body, offset, source) if rig else None
        write_glb(folder / "avatar.glb", surface, skeleton, notice)
    if "obj" in formats:
        write_obj(folder / "avatar.obj", surface)
    if "ply" in formats:
        write_ply(folder / "avatar.ply", bare)
    _write_body(folder / "body.json", body, body.posed_joints + offset.to(body.posed_joints) if rig else None)
    order = ("avatar.glb", "avatar.obj", "avatar.mtl", "avatar.png", "avatar.ply", "body.json")
    return [folder / name for name in order if (folder / name).exists()]


def _rig(mesh: Mesh, body: InnerBody, offset: Tensor, source: Tensor) -> Rig:
    alone = torch.equal(mesh.vertices.cpu(), body.posed.vertices.cpu())
    skin = strongest(body.weights.cpu()) if alone else transfer_skin(mesh, body.posed, body.weights)
    return Rig(JOINTS, body.parents, body.posed_joints.cpu() + offset.cpu(), skin.at(source))


def _write_body(file: Path, body: InnerBody, joints: Tensor | None) -> None:
    described = describe(body.betas, measure(body.resting, body.resting_joints), joints)
    file.write_text(json.dumps(described, indent=2) + "\n")
