"""The avatar as files: `avatar.glb`, `avatar.obj`, `avatar.ply` and `body.json`.

In every one of them the person stands on the ground over the origin, in metres, Y up, facing +Z, in the A pose it was
reconstructed in. That is also the bind pose of the skeleton.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from PIL import Image
from torch import Tensor

from model.avatar.parts import named, worn
from model.body.joints import JOINTS, MIXAMO, VRM
from model.body.measurements import describe, measure
from model.body.skinning import strongest, transfer_skin
from model.body.smplx import BodyModel, Posed
from model.mesh.atlas import Atlas
from model.mesh.files import write_obj, write_ply
from model.mesh.glb import write_glb
from model.mesh.mesh import Mesh
from model.mesh.placement import grounded
from model.mesh.skeleton import Skeleton
from model.mesh.surface import Surface

Format = Literal["glb", "obj", "ply"]


def export_avatar(
    folder: Path,
    mesh: Mesh,
    body: BodyModel,
    betas: Tensor,
    posed: Posed,
    painting: tuple[Atlas, Image.Image] | None = None,
    *,
    formats: Collection[Format],
    rig: bool = True,
    notice: str | None = None,
    measured: bool = True,
    parts: Tensor | None = None,
    errors: Mapping[str, float] | None = None,
) -> list[Path]:
    """Write the avatar.

    Args:
        folder: where to; it exists.
        mesh: reconstructed around `posed`, with the colours of its vertices if they are known.
        body: of 55 joints.
        betas: (10,), its shape.
        posed: the shaped body in the mesh's pose and place. If it is itself the mesh, it keeps its own weights.
        painting: an atlas of the mesh and its picture. Without one, GLB and OBJ have the colours of the vertices.
            PLY always has: no texture fits into it.
        formats: what to write beside `body.json`.
        rig: false leaves out all that is the body model's: skeleton, weights, joints.
        notice: of the body model's licence, for the GLB.
        measured: false leaves out measurements, as of a shape that nobody found in the photos.
        parts: (F,) of each triangle, see `model.avatar.parts`: they are named in the GLB, and the clothes get one of
            their own.
        errors: of the measurements, metres, where they are known.

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
        skeleton = _skeleton(mesh, body, posed, source, offset) if rig else None
        write_glb(folder / "avatar.glb", surface, skeleton, notice, None if parts is None else named(parts))
        if parts is not None and (clothes := worn(parts)).any():
            _write_clothes(folder / "clothes.glb", surface, skeleton, notice, parts, clothes)
    if "obj" in formats:
        write_obj(folder / "avatar.obj", surface)
    if "ply" in formats:
        write_ply(folder / "avatar.ply", bare)
    joints = posed.joints + offset.to(posed.joints) if rig else None
    _write_body(folder / "body.json", body, betas, joints, errors, measured=measured)
    order = ("avatar.glb", "clothes.glb", "avatar.obj", "avatar.mtl", "avatar.png", "avatar.ply", "body.json")
    return [folder / name for name in order if (folder / name).exists()]


def _write_clothes(
    file: Path, surface: Surface, skeleton: Skeleton | None, notice: str | None, parts: Tensor, clothes: Tensor
) -> None:
    alone, kept = surface.only(clothes)
    if skeleton is not None:
        skeleton = replace(skeleton, skin=skeleton.skin.at(kept.cpu()))
    write_glb(file, alone, skeleton, notice, named(parts[clothes]))


def _skeleton(mesh: Mesh, body: BodyModel, posed: Posed, source: Tensor, offset: Tensor) -> Skeleton:
    if torch.equal(mesh.vertices.cpu(), posed.vertices.cpu()):
        skin = strongest(body.weights.cpu())
    else:
        skin = transfer_skin(mesh, Mesh(posed.vertices, body.faces), body.weights)
    positions = posed.joints.cpu() + offset.cpu()
    aliases = {"vrm": VRM, "mixamo": MIXAMO}
    return Skeleton(JOINTS, tuple(body.parents.tolist()), positions, skin.at(source), aliases)


def _write_body(
    file: Path,
    body: BodyModel,
    betas: Tensor,
    joints: Tensor | None,
    errors: Mapping[str, float] | None,
    *,
    measured: bool,
) -> None:
    resting = body.shaped(betas)
    measurements = measure(Mesh(resting, body.faces), body.joint_regressor @ resting) if measured else None
    file.write_text(json.dumps(describe(betas, measurements, joints, errors), indent=2) + "\n", encoding="utf-8")
