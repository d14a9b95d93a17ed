"""A body and the surfaces around it that clothes are cut from, all of one shape space.

MakeHuman's tights, skirt and hair (CC0), exported once with `model.synthetic.making.wardrobe_export`. Metres, SMPL-X's
axes, T pose, the pelvis at the origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.body.archive import read_archive
from model.body.smplx import BodyModel
from model.clothes.arrays import Floats, Indices, Values
from model.errors import WeightsError

FILE = Path(__file__).parent / "data" / "wardrobe.npz"
PIECES = ("tights", "skirt", "hair")
_ARRAYS = ("template", "shapedirs", "weights", "faces")


@dataclass(frozen=True)
class Piece:
    """A surface that follows the body's shape and pose.

    template: (V, 3) metres. shapedirs: (V, 3, 10), what each shape coefficient adds. weights: (V, 55), rows sum to 1.
    faces: (F, 3) int64, counter-clockwise from outside.
    """

    template: Floats
    shapedirs: Floats
    weights: Floats
    faces: Indices

    def shaped(self, betas: Floats) -> Floats:
        """(V, 3): on the body of these shape coefficients, (10,), in T pose."""
        vertices: Floats = self.template + self.shapedirs @ np.asarray(betas, np.float32)
        return vertices


Wardrobe = Mapping[str, Piece]  # `body`, `tights`, `skirt` and `hair`


def read_wardrobe(body: BodyModel, file: Path = FILE) -> Wardrobe:
    """What fits the licence-free body, which `body` must have the template and the shapes of.

    Raises:
        WeightsError: the file cannot be read or lacks an array.
    """
    of_body = body.template, body.shape_directions, body.weights, body.faces
    pieces = {"body": _piece(*(tensor.numpy() for tensor in of_body))}
    for name in PIECES:
        names = tuple(f"{name}_{array}" for array in _ARRAYS)
        arrays = read_archive(file, names)
        if missing := [each for each in names if each not in arrays]:
            raise WeightsError(f"{file}: no array {missing[0]}")
        pieces[name] = _piece(*(arrays[each] for each in names))
    return pieces


def _piece(template: Values, shapedirs: Values, weights: Values, faces: Values) -> Piece:
    weights = weights.astype(np.float32)
    weights /= weights.sum(1, keepdims=True)  # half precision leaves them off by a little
    return Piece(template.astype(np.float32), shapedirs.astype(np.float32), weights, faces.astype(np.int64))
