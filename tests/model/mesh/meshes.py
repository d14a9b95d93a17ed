"""Meshes for tests, what is true of them, and the reference data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import trimesh
from safetensors.torch import load_file
from torch import Tensor

from model.mesh.edges import Edges
from model.mesh.mesh import Mesh

GOLDEN = Path(__file__).parents[3].parent / "shared/golden/up2you"


def golden(name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and parameters of one case; without it the test is skipped."""
    if not GOLDEN.is_dir():
        pytest.skip("the reference data is not here")
    return load_file(GOLDEN / f"{name}.safetensors"), json.loads((GOLDEN / f"{name}.json").read_text())


def octahedron() -> Mesh:
    vertices = torch.tensor([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    around = [(0, 1), (1, 2), (2, 3), (3, 0)]
    return Mesh(vertices, torch.tensor([[a, b, 4] for a, b in around] + [[b, a, 5] for a, b in around]))


def sphere(subdivisions: int) -> Mesh:
    """Radius 1."""
    return of_trimesh(trimesh.creation.icosphere(subdivisions))


def of_trimesh(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(torch.tensor(shape.vertices, dtype=torch.float32), torch.tensor(shape.faces, dtype=torch.int64))


def is_closed(faces: Tensor) -> bool:
    """Every edge has one face on either side."""
    edges = Edges.of(faces, int(faces.max()) + 1)
    return bool((edges.sides >= 0).all()) and 2 * len(edges.ends) == 3 * len(faces)


def euler(vertices: int, faces: Tensor) -> int:
    return vertices - len(Edges.of(faces, vertices).ends) + len(faces)
