"""The avatar as files: `avatar.glb` with coarser levels of it, `.vrm`, `.usdz`, `.obj`, `.ply`, and `body.json`.

In every one of them the person stands on the ground over the origin, in metres, Y up, facing +Z, in the A pose it was
reconstructed in, or in a T pose. That is also the bind pose of the skeleton.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from torch import Tensor

from model.avatar.figure import BindPose, Figure, Wearer
from model.avatar.parts import named, worn
from model.avatar.request import AvatarFormat
from model.body.clips import ClipName, clip
from model.body.joints import JOINTS
from model.body.measurements import describe, measure
from model.body.smplx import BodyModel, Posed
from model.mesh.atlas import Atlas
from model.mesh.files import write_obj, write_ply
from model.mesh.glb import GlbForm, write_glb
from model.mesh.glb_buffer import TextureFormat
from model.mesh.levels import DetailLevel
from model.mesh.mesh import Mesh
from model.mesh.placement import grounded


@dataclass(frozen=True)
class Form:
    """How the files are written.

    pose: in which the person is bound. texture, draco: of GLBs, see `GlbForm`. clips: of movements in the GLBs.
    vrm: name and licence of the VRM, as its standard calls them.
    """

    pose: BindPose = "a"
    texture: TextureFormat = "png"
    draco: bool = False
    clips: tuple[ClipName, ...] = ()
    vrm: Mapping[str, object] | None = None


PLAIN = Form()


def export_avatar(
    folder: Path,
    mesh: Mesh,
    body: BodyModel,
    betas: Tensor,
    posed: Posed,
    painting: tuple[Atlas, Image.Image] | None = None,
    *,
    formats: Collection[AvatarFormat],
    rig: bool = True,
    notice: str | None = None,
    measured: bool = True,
    parts: Tensor | None = None,
    errors: Mapping[str, float] | None = None,
    form: Form = PLAIN,
    coarser: Sequence[DetailLevel] = (),
) -> list[Path]:
    """Write the avatar.

    Args:
        folder: where to; it exists.
        mesh: reconstructed around `posed`, with the colours of its vertices if they are known.
        body: of 55 joints.
        betas: (10,), its shape.
        posed: the shaped body in the mesh's pose and place. If it is itself the mesh, it keeps its own weights.
        painting: an atlas of the mesh and its picture. Without one, files have the colours of the vertices.
            PLY always has: no texture fits into it.
        formats: what to write beside `body.json`.
        rig: false leaves out all that is the body model's: skeleton, weights, joints. Then there is no VRM.
        notice: of the body model's licence, for the files that can say it.
        measured: false leaves out measurements, as of a shape that nobody found in the photos.
        parts: (F,) of each triangle, see `model.avatar.parts`: they are named in the GLB, and the clothes get one of
            their own.
        errors: of the measurements, metres, where they are known.
        form: pose, compression, clips.
        coarser: of the same mesh and atlas, each a GLB of its own: `avatar_lod1.glb` and so on.

    Returns:
        The files, the main one first.
    """
    atlas, texture = (None, None) if painting is None else painting
    wearer = Wearer(body, betas, posed)
    finest = DetailLevel(mesh, atlas, parts)
    figure = Figure.of(finest, wearer, form.pose, rig=rig)
    offset = grounded(figure.level.mesh.vertices)
    standing = figure.moved(offset)
    if "glb" in formats:
        _write_glbs(folder, standing, texture, notice, form)
        for i, level in enumerate(coarser, 1):
            figure = Figure.of(level, wearer, form.pose, rig=rig).moved(offset)
            _write_glb(folder / f"avatar_lod{i}.glb", figure, texture, notice, form)
    if "vrm" in formats and rig:
        _write_vrm(folder / "avatar.vrm", Figure.of(finest, wearer, "t", rig=True), texture, notice, form)
    if "usdz" in formats:
        from model.mesh.usdz import write_usdz  # its library takes 0.2 s, and hardly anybody asks for it

        named_parts = None if parts is None else named(parts)
        write_usdz(folder / "avatar.usdz", standing.surface(texture), standing.skeleton, notice, named_parts)
    if "obj" in formats:
        write_obj(folder / "avatar.obj", standing.surface(texture))
    if "ply" in formats:
        write_ply(folder / "avatar.ply", standing.bare)
    _write_body(folder / "body.json", body, betas, standing.joints if rig else None, errors, measured=measured)
    levels = [f"avatar_lod{i}.glb" for i in range(1, len(coarser) + 1)]
    others = ("avatar.vrm", "avatar.usdz", "avatar.obj", "avatar.mtl", "avatar.png", "avatar.ply", "body.json")
    return [file for name in ("avatar.glb", "clothes.glb", *levels, *others) if (file := folder / name).exists()]


def _write_glbs(folder: Path, figure: Figure, texture: Image.Image | None, notice: str | None, form: Form) -> None:
    """The avatar, and its clothes alone."""
    _write_glb(folder / "avatar.glb", figure, texture, notice, form)
    parts = figure.level.parts
    if parts is not None and (clothes := worn(parts)).any():
        alone, kept = figure.surface(texture).only(clothes)
        skeleton = None if figure.skeleton is None else figure.skeleton.at(kept.cpu())
        glb = _glb_form(figure, form)
        write_glb(folder / "clothes.glb", alone, skeleton, notice, named(parts[clothes]), glb)


def _write_glb(file: Path, figure: Figure, texture: Image.Image | None, notice: str | None, form: Form) -> None:
    parts = figure.level.parts
    parts_by_name = None if parts is None else named(parts)
    write_glb(file, figure.surface(texture), figure.skeleton, notice, parts_by_name, _glb_form(figure, form))


def _glb_form(figure: Figure, form: Form) -> GlbForm:
    joints = dict(zip(JOINTS, figure.joints, strict=True))
    hangs_on = {joint: None if i < 0 else JOINTS[i] for joint, i in zip(JOINTS, figure.parents, strict=True)}
    clips = tuple(clip(name, joints, hangs_on) for name in form.clips)
    return GlbForm(form.texture, form.draco, clips)


def _write_vrm(file: Path, figure: Figure, texture: Image.Image | None, notice: str | None, form: Form) -> None:
    """In the T pose that the standard wants, in one mesh, uncompressed: its readers know no Draco."""
    standing = figure.moved(grounded(figure.level.mesh.vertices))
    glb = GlbForm(vrm=form.vrm or {})
    write_glb(file, standing.surface(texture), standing.skeleton, notice, None, glb)


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
