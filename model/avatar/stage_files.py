"""What a stage has made, as files: pictures as PNG, meshes as PLY, numbers as JSON, everything else as safetensors.

photos      photo_0.png ...             RGBA, 1024 x 1024
features    features.safetensors        features (N, g, g, C)
shape       shape.json                  betas, ten numbers
poses       poses.safetensors           poses (6, 3 or more, size, size); pose_0.png ... to look at: the first three
weights     weights.safetensors         weights (6, N, g, g); weights_0.png ... to look at, one per view
rgb         rgb_0.png ...               RGBA, size x size
normals     normal_0.png ...            RGBA, size x size
mesh        mesh.ply                    metres
colour      colour.ply                  the same with colours of 8 bits
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import trimesh
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.avatar.heat_maps import heat_maps
from model.avatar.photos import loaded
from model.avatar.request import Stage
from model.avatar.subject import Subject
from model.codes import LocalCode
from model.errors import InputError
from model.mesh.mesh import Mesh

_SHOWN = 192  # pixels a side of a heat map


def save(stage: Stage, subject: Subject, folder: Path) -> None:
    """Write what `stage` has made. What `export` makes are the results themselves."""
    match stage:
        case "photos":
            _save_pictures(subject.photos, folder, "photo")
        case "features":
            _save_tensor(subject.features, folder, "features")
        case "shape":
            (folder / "shape.json").write_text(json.dumps({"betas": subject.betas.tolist()}) + "\n")
        case "poses":
            _save_tensor(subject.poses, folder, "poses")
            _save_pictures([_picture(pose[:3]) for pose in subject.poses], folder, "pose")
        case "weights":
            _save_tensor(subject.weights, folder, "weights")
            _save_pictures(_shown(subject), folder, "weights")
        case "rgb":
            _save_pictures(subject.rgb, folder, "rgb")
        case "normals":
            _save_pictures(subject.normals, folder, "normal")
        case "mesh":
            _save_mesh(subject.mesh, folder / "mesh.ply")
        case "colour":
            _save_mesh(subject.coloured, folder / "colour.ply")


def load(stage: Stage, subject: Subject, folder: Path) -> None:
    """Read what `save` has written.

    Raises:
        InputError: `no_stage`: a file is not there or not what it should be.
    """
    readers: dict[Stage, Callable[[], None]] = {
        "photos": lambda: setattr(subject, "photos", _load_pictures(folder, "photo")),
        "features": lambda: setattr(subject, "features", _load_tensor(folder, "features")),
        "shape": lambda: setattr(subject, "betas", _load_betas(folder)),
        "poses": lambda: setattr(subject, "poses", _load_tensor(folder, "poses")),
        "weights": lambda: setattr(subject, "weights", _load_tensor(folder, "weights")),
        "rgb": lambda: setattr(subject, "rgb", _load_pictures(folder, "rgb")),
        "normals": lambda: setattr(subject, "normals", _load_pictures(folder, "normal")),
        "mesh": lambda: setattr(subject, "mesh", _load_mesh(folder / "mesh.ply")),
        "colour": lambda: setattr(subject, "coloured", _load_mesh(folder / "colour.ply")),
    }
    try:
        readers[stage]()
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        message = f"stage '{stage}' has left nothing to go on from: {type(error).__name__}"
        raise InputError(message, code=LocalCode.NO_STAGE, field="from_stage") from error


def _save_pictures(pictures: Sequence[Image.Image], folder: Path, name: str) -> None:
    for i, picture in enumerate(pictures):
        picture.save(folder / f"{name}_{i}.png")


def _load_pictures(folder: Path, name: str) -> list[Image.Image]:
    files = sorted(folder.glob(f"{name}_*.png"), key=lambda file: int(file.stem.rpartition("_")[2]))
    if not files:
        raise FileNotFoundError(f"{name}_0.png")
    return [Image.open(file).convert("RGBA") for file in files]


def _save_tensor(tensor: Tensor, folder: Path, name: str) -> None:
    save_file({name: tensor.cpu().contiguous()}, folder / f"{name}.safetensors")


def _load_tensor(folder: Path, name: str) -> Tensor:
    # A copy begins where torch begins its tensors; on another alignment, sums may be added up in another order.
    return load_file(folder / f"{name}.safetensors")[name].clone()


def _load_betas(folder: Path) -> Tensor:
    return torch.tensor(json.loads((folder / "shape.json").read_text())["betas"], dtype=torch.float32)


def _save_mesh(mesh: Mesh, file: Path) -> None:
    plain = trimesh.Trimesh(mesh.vertices.numpy(force=True), mesh.faces.numpy(force=True), process=False)
    if mesh.colours is not None:
        plain.visual.vertex_colors = _levels(mesh.colours)
    plain.export(file)


def _load_mesh(file: Path) -> Mesh:
    plain = trimesh.load_mesh(file, process=False)
    colours = None
    if plain.visual.kind == "vertex":
        colours = torch.from_numpy(np.array(plain.visual.vertex_colors)[:, :3]).float() / 255
    vertices = torch.from_numpy(np.array(plain.vertices, dtype=np.float32))
    return Mesh(vertices, torch.from_numpy(np.array(plain.faces, dtype=np.int64)), colours)


def _picture(pixels: Tensor) -> Image.Image:
    """(3, H, W) in 0..1."""
    return Image.fromarray(_levels(pixels.permute(1, 2, 0)))


def _levels(values: Tensor) -> np.ndarray:
    return (values.clamp(0, 1) * 255).round().byte().numpy(force=True)


def _shown(subject: Subject) -> list[Image.Image]:
    """For each view the photos side by side, bright where they say much about it."""
    alphas = torch.stack([loaded(photo, _SHOWN, _SHOWN)[1] for photo in subject.photos])  # (N, H, W)
    maps = heat_maps(subject.weights.cpu(), alphas)
    return [_picture(torch.cat(list(view), dim=-1)) for view in maps]
