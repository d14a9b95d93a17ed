"""OBJ and PLY: the same mesh for programs that do not read GLB. Metres, Y up; no skeleton fits into either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from torch import Tensor
from trimesh.exchange.obj import export_obj
from trimesh.exchange.ply import export_ply
from trimesh.visual.material import SimpleMaterial

from model.mesh.surface import Surface

_DIGITS = 6  # of a metre


def write_obj(file: Path, surface: Surface) -> None:
    """Write `{stem}.obj`; with a texture also `{stem}.mtl` and `{stem}.png`, with colours lines `v x y z r g b`."""
    text, materials = export_obj(
        _as_trimesh(surface, file.stem),
        include_normals=True,
        return_texture=True,
        digits=_DIGITS,
        mtl_name=f"{file.stem}.mtl",
        header="Atelier",
    )
    file.write_text(text, encoding="utf-8")
    for name, content in materials.items():
        file.with_name(name).write_bytes(content)


def write_ply(file: Path, surface: Surface) -> None:
    """Write a binary PLY, with colours of 8 bits where the vertices have some. A texture does not fit into it."""
    file.write_bytes(export_ply(_as_trimesh(surface, file.stem), vertex_normal=True, include_attributes=False))


def _as_trimesh(surface: Surface, name: str) -> trimesh.Trimesh:
    mesh = trimesh.Trimesh(
        vertices=_array(surface.positions),
        faces=_array(surface.faces),
        vertex_normals=_array(surface.normals),
        process=False,
        validate=False,
    )
    if surface.texture is not None and surface.uv is not None:
        uv = _array(surface.uv) * [1, -1] + [0, 1]  # both count v from the bottom
        picture = surface.texture.convert("RGB")
        picture.format = "PNG"
        material = SimpleMaterial(image=picture, name=name, diffuse=[255, 255, 255, 255], specular=[0, 0, 0, 255])
        mesh.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    elif surface.colours is not None:
        mesh.visual.vertex_colors = np.rint(_array(surface.colours).clip(0, 1) * 255).astype(np.uint8)
    return mesh


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.numpy(force=True)
