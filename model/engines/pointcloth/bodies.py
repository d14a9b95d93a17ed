"""Bodies that wear outfits: their shape and pose, from a request, a file, or a photo."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from model.body.joints import JOINTS
from model.clothes.arrays import Floats
from model.engines.pointcloth.body import DrapedBody
from model.engines.pointcloth.codes import OutfitCode
from model.engines.pointcloth.frame import RootFrame
from model.errors import InputError

DISTANCE = 25.0  # metres from the camera, of a body that no photo places
FACING = (pi, 0.0, 0.0)  # the root's turn of somebody who faces the camera, whose y runs downwards

_Number = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]
_Vector = Annotated[list[_Number], Field(min_length=3, max_length=3)]


@dataclass(frozen=True)
class WornBody:
    """betas: (10,). pose: (J, 3), axis times angle, the root's first, which also turns y downwards. translation: (3,),
    metres before the camera."""

    betas: Tensor
    pose: Tensor
    translation: Tensor

    def vertices(self, body: DrapedBody) -> Tensor:
        """(V, 3), before the camera."""
        return body.model.posed(self.betas, self.pose, self.translation).vertices

    def frame(self, body: DrapedBody) -> RootFrame:
        """Upright, whichever way it faces."""
        return RootFrame.of(self.translation, self.pose[0], torch.from_numpy(body.root))


class _BodyFile(BaseModel):
    """What is read of `body.json`; an avatar's has no pose, and stands as it was made."""

    model_config = ConfigDict(extra="ignore")

    betas: list[_Number] = Field(default_factory=list, max_length=300)
    pose: dict[str, _Vector] | list[_Vector] = Field(default_factory=dict)
    translation: _Vector | None = None
    vertices: list[_Vector] | None = None


def read_worn_body(file: Path, field: str, body: DrapedBody) -> WornBody:
    """Of a `body.json`.

    Raises:
        InputError: `bad_body`: it is none; `body_mismatch`: it is of another topology.
    """
    try:
        told = _BodyFile.model_validate(json.loads(file.read_bytes()))
    except (ValueError, RecursionError, ValidationError) as error:
        what = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "it is no JSON"}
        place = ".".join(map(str, what["loc"]))
        message = f"'{field}' is no body: {place + ': ' if place else ''}{what['msg']}"
        raise InputError(message, code=OutfitCode.BAD_BODY, field=field) from error
    if told.vertices is not None and len(told.vertices) != len(body.model.template):
        message = f"'{field}' has {len(told.vertices)} vertices, the outfits' body has {len(body.model.template)}"
        raise InputError(message, code=OutfitCode.BODY_MISMATCH, field=field)
    return worn_body(body, told.betas, told.pose, told.translation, field)


def worn_body(
    body: DrapedBody,
    betas: Sequence[float],
    pose: Mapping[str, Sequence[float]] | Sequence[Sequence[float]],
    translation: Sequence[float] | None = None,
    field: str = "pose",
) -> WornBody:
    """A body of this shape and pose. Where nothing else is said it faces the camera and stands where all of it is seen.

    Args:
        betas: up to ten numbers; those that lack are 0.
        pose: axis times angle in radians, by the joints' names or of all joints; joints that lack are not turned.
        translation: (3,) metres before the camera.
        field: of the request, which errors name.

    Raises:
        InputError: the pose names a joint that there is not, or has another number of joints.
    """
    joints = len(body.model.parents)
    angles = torch.zeros(joints, 3)
    angles[0] = torch.tensor(FACING)
    if isinstance(pose, Mapping):
        for name, vector in pose.items():
            if name not in JOINTS[:joints]:
                message = f"'{field}' names the joint '{name}'; there are {', '.join(JOINTS[:22])} and the fingers'"
                raise InputError(message, code=OutfitCode.BAD_BODY, field=field)
            angles[JOINTS.index(name)] = torch.tensor(list(vector))
    elif len(pose) == joints:
        angles = torch.tensor([list(vector) for vector in pose])
    elif pose:
        message = f"'{field}' has {len(pose)} joints, the outfits' body has {joints}"
        raise InputError(message, code=OutfitCode.BODY_MISMATCH, field=field)
    shape = torch.zeros(10)
    shape[: min(10, len(betas))] = torch.tensor(list(betas)[:10], dtype=torch.float32)
    place = torch.tensor([0.0, 0.0, DISTANCE]) if translation is None else torch.tensor(list(translation))
    return WornBody(shape, angles, place)


def as_json(worn: WornBody) -> str:
    """What `read_worn_body` reads."""
    arrays: dict[str, Floats] = {name: tensor.numpy() for name, tensor in vars(worn).items()}
    return json.dumps({name: np.round(array, 6).tolist() for name, array in arrays.items()})
