"""What an avatar's stages leave, and when two of them are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pygltflib
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from model.avatar.request import Stage

Files = dict[str, Path]

OF_STAGES: dict[Stage, tuple[str, ...]] = {
    "photos": tuple(f"photo_{i}.png" for i in range(2)),
    "features": ("features.safetensors",),
    "shape": ("shape.json",),
    "poses": ("poses.safetensors", *(f"pose_{i}.png" for i in range(6))),
    "weights": ("weights.safetensors", *(f"weights_{i}.png" for i in range(6))),
    "rgb": tuple(f"rgb_{i}.png" for i in range(6)),
    "normals": tuple(f"normal_{i}.png" for i in range(6)),
    "mesh": ("mesh.ply",),
    "colour": ("colour.ply",),
    "export": ("avatar.glb", "avatar.obj", "avatar.mtl", "avatar.png", "avatar.ply", "body.json"),
}
VIEWS: tuple[Stage, ...] = ("rgb", "normals")


def same(one: Path, other: Path, *stages: Stage) -> bool:
    """Whether both folders hold the same bytes of these stages."""
    names = [name for stage in stages for name in OF_STAGES[stage]]
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def assert_nearly_same(one: Path, other: Path) -> None:
    """Views and meshes but for the rounding of sums that are added up in another order."""
    for name in (name for stage in VIEWS for name in OF_STAGES[stage]):
        difference = np.abs(levels(one / name) - levels(other / name))
        assert difference.max() <= 4
        assert (difference > 0).mean() < 0.01
    found, expected = (trimesh.load_mesh(folder / "mesh.ply", process=False) for folder in (one, other))
    assert found.bounds == pytest.approx(expected.bounds, abs=1e-3)
    assert found.volume == pytest.approx(expected.volume, rel=1e-3)


def glb(folder: Path) -> pygltflib.GLTF2:
    return pygltflib.GLTF2().load(folder / "avatar.glb")


def positions(folder: Path) -> NDArray[np.float64]:
    return np.asarray(trimesh.load_mesh(folder / "avatar.glb", process=False).vertices)


def levels(file: Path) -> NDArray[np.int16]:
    return np.asarray(Image.open(file)).astype(np.int16)
