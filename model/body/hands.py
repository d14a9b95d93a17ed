"""Where a body's hands are: reconstruction replaces what it makes of fingers by the body's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from model.body.smplx import BodyModel
from model.errors import WeightsError

_WRISTS, _FINGERS = (20, 21), range(25, 55)  # joints
_FIRST_LANDMARK = 20  # landmark ids from here on are wrists and hands


@dataclass(frozen=True)
class Hands:
    """face_mask: (F,) bool, faces of the hands. near_wrist_vertex_mask: (V,) bool, vertices of wrists and hands."""

    face_mask: Tensor
    near_wrist_vertex_mask: Tensor


def hands(body: BodyModel, hand_ids: Path | None = None, landmark_ids: Path | None = None) -> Hands:
    """The hands of a body, from the published index files or, where one is not given, from the skinning weights: what
    follows a wrist or a finger more than any other joint.

    Args:
        hand_ids: npz of `left_hand` and `right_hand`, the vertices of the hands.
        landmark_ids: npy of (V,), each vertex's landmark.

    Raises:
        WeightsError: a file cannot be read or does not fit the body.
    """
    by_weight = _follows_hand(body)
    in_hand = by_weight if hand_ids is None else _in_hand(hand_ids, len(body.template)).to(by_weight.device)
    near_wrist = by_weight if landmark_ids is None else _near_wrist(landmark_ids, len(body.template))
    return Hands(in_hand[body.faces].any(1), near_wrist.to(by_weight.device))


def _follows_hand(body: BodyModel) -> Tensor:
    joints = torch.tensor([*_WRISTS, *_FINGERS], device=body.weights.device)
    return torch.isin(body.weights.argmax(1), joints)


def _in_hand(file: Path, vertices: int) -> Tensor:
    mask = torch.zeros(vertices, dtype=torch.bool)
    try:
        with np.load(file, allow_pickle=False) as content:
            ids = {name: content[name] for name in ("left_hand", "right_hand")}
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise WeightsError(f"{file}: not an npz of left_hand and right_hand: {error}") from error
    for name, array in ids.items():
        if array.ndim != 1 or array.dtype.kind not in "iu" or not ((array >= 0) & (array < vertices)).all():
            raise WeightsError(f"{file}: {name} is not a list of vertices below {vertices}")
        mask[torch.from_numpy(array.astype(np.int64))] = True
    return mask


def _near_wrist(file: Path, vertices: int) -> Tensor:
    try:
        ids = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{file}: not an array of landmark ids: {error}") from error
    if not isinstance(ids, np.ndarray) or ids.shape != (vertices,):
        shape = ids.shape if isinstance(ids, np.ndarray) else "of an archive"
        raise WeightsError(f"{file}: landmark ids have shape {shape}, expected ({vertices},)")
    return torch.from_numpy(ids >= _FIRST_LANDMARK)
