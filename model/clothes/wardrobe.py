"""The body of synthetic people and the surfaces around it that their clothes are cut from, all of one shape space.

MakeHuman's tights, skirt and hair (CC0), exported once with `synthetic.making.wardrobe_export`. Metres, SMPL-X's axes,
T pose, the pelvis at the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.body.archive import read_archive
from model.engines.up2you.files import BODY
from model.errors import WeightsError
from model.weights.pack import DEMO

Floats = NDArray[np.float32]

FILE = Path(__file__).parent / "data" / "wardrobe.npz"
PIECES = ("tights", "skirt", "hair")
_BODY_ARRAYS = ("v_template", "shapedirs", "weights", "f")
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
    faces: NDArray[np.int64]

    def shaped(self, betas: Floats) -> Floats:
        """(V, 3): on the body of these shape coefficients, (10,), in T pose."""
        vertices: Floats = self.template + self.shapedirs @ np.asarray(betas, np.float32)
        return vertices


@cache
def wardrobe(file: Path = FILE) -> dict[str, Piece]:
    """`body`, `tights`, `skirt` and `hair`. Shared: not to be written to.

    Raises:
        WeightsError: a file cannot be read or lacks an array.
    """
    pieces = {"body": _piece(DEMO / BODY, _BODY_ARRAYS)}
    for name in PIECES:
        pieces[name] = _piece(file, tuple(f"{name}_{array}" for array in _ARRAYS))
    return pieces


def _piece(file: Path, names: tuple[str, ...]) -> Piece:
    """From the arrays of those names: template, shape directions, weights, faces."""
    arrays = read_archive(file, names)
    if missing := [name for name in names if name not in arrays]:
        raise WeightsError(f"{file}: no array {missing[0]}")
    template, shapedirs, weights, faces = (arrays[name] for name in names)
    weights = weights.astype(np.float32)
    weights /= weights.sum(1, keepdims=True)  # half precision leaves them off by a little
    return Piece(template.astype(np.float32), shapedirs.astype(np.float32), weights, faces.astype(np.int64))
