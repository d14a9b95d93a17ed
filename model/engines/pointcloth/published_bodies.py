"""Bodies of the published sample folders: pickles of SMPL's numbers, as two tools have left them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.body.smplx import rotation_matrices
from model.engines.pointcloth.bodies import WornBody
from model.engines.pointcloth.body import DrapedBody
from model.engines.pointcloth.body_search import axis_angle
from model.errors import WeightsError
from model.weights.arrays_only import read_arrays_and_tensors

_SHAPES = 10  # coefficients of the shape, SMPL's usual number
_SMPL_JOINTS, _SHARED_JOINTS = 24, 22  # SMPL's last two, the hands, other bodies have not
_TRACKED, _FITTED = ("betas", "transl", "full_pose_aa"), ("betas", "global_orient", "body_pose", "camera_translation")


def read_published_body(file: Path, body: DrapedBody) -> WornBody:
    """A body before the camera.

    It holds `betas`, `transl` and `full_pose_aa`, or what SMPLify-X leaves: `betas`, `global_orient`, `body_pose`,
    `camera_translation` and, optionally, `camera_rotation`, each perhaps in a batch of one.

    Raises:
        WeightsError: it cannot be read without running code, lacks a number, or has another body's joints.
    """
    content = read_arrays_and_tensors(file)
    if not isinstance(content, Mapping):
        raise WeightsError(f"{file}: not a table of arrays")
    numbers = {str(name): _flat(array) for name, array in content.items() if name != "vertices"}
    if all(name in numbers for name in _TRACKED):
        pose, place = numbers["full_pose_aa"], numbers["transl"]
        return WornBody(_shape(numbers, file), _joints(pose, body, file), _three(place, "transl", file))
    if missing := [name for name in _FITTED if name not in numbers]:
        raise WeightsError(f"{file}: no array {missing[0]}")
    return _before_its_camera(numbers, body, file)


def _before_its_camera(numbers: Mapping[str, Tensor], body: DrapedBody, file: Path) -> WornBody:
    """The camera's own turn becomes the body's, around its root."""
    betas = _shape(numbers, file)
    angles = _joints(torch.cat([numbers["global_orient"], numbers["body_pose"]]), body, file)
    place = _three(numbers["camera_translation"], "camera_translation", file)
    turn = numbers.get("camera_rotation", torch.eye(3).flatten())
    if turn.numel() != 9:
        raise WeightsError(f"{file}: camera_rotation has {turn.numel()} numbers, not 9")
    turn = turn.view(3, 3)
    if not torch.allclose(turn, torch.eye(3), atol=1e-6):
        root = (body.model.joint_regressor @ body.model.shaped(betas))[0]
        angles[0] = axis_angle(turn @ rotation_matrices(angles[:1])[0])
        place = place + turn @ root - root
    return WornBody(betas, angles, place)


def _flat(array: object) -> Tensor:
    """Numbers in a row; nothing where there are none."""
    if isinstance(array, Tensor):
        return array.detach().flatten().float()
    try:
        return torch.from_numpy(np.asarray(array, np.float32).reshape(-1).copy())
    except (TypeError, ValueError):
        return torch.zeros(0)


def _shape(numbers: Mapping[str, Tensor], file: Path) -> Tensor:
    betas = torch.zeros(_SHAPES)
    given = numbers["betas"][:_SHAPES]
    betas[: len(given)] = given
    return _finite(betas, "betas", file)


def _joints(pose: Tensor, body: DrapedBody, file: Path) -> Tensor:
    """(J, 3); joints that the file says nothing of, those of the hands, are at rest."""
    joints = len(body.model.parents)
    if pose.numel() % 3 or not _SHARED_JOINTS <= pose.numel() // 3 <= max(joints, _SMPL_JOINTS):
        raise WeightsError(f"{file}: a pose of {pose.numel()} numbers is not of the {joints} joints of these weights")
    angles = torch.zeros(joints, 3)
    known = pose.view(-1, 3) if joints == _SMPL_JOINTS else pose.view(-1, 3)[:_SHARED_JOINTS]
    angles[: len(known)] = known
    return _finite(angles, "the pose", file)


def _three(place: Tensor, name: str, file: Path) -> Tensor:
    if place.numel() != 3:
        raise WeightsError(f"{file}: {name} has {place.numel()} numbers, not 3")
    return _finite(place, name, file)


def _finite(numbers: Tensor, name: str, file: Path) -> Tensor:
    if not bool(torch.isfinite(numbers).all()):
        raise WeightsError(f"{file}: {name} has values that are not finite")
    return numbers
