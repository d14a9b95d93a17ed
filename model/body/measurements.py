"""Measurements of a person, taken from the shaped body as a tailor would take them.

Girths are horizontal: the body in its T pose is sliced, the trunk's outline is taken and a tape is drawn tight around
it (its convex hull). Heights between which to look come from the joints, so any body with SMPL-X's joints will do.

How exact this is: on a body of exactly known girths, to two millimetres. How well the body's shape fits the *person* is
another matter: it was guessed from photos, where scale is unknown, and clothes hide what is under them. Expect
errors of centimetres. Real tapes are not quite horizontal and give way to breath and cloth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull
from torch import Tensor

from model.body.joints import JOINTS
from model.mesh.mesh import Mesh

# Between slices of one girth. With slices 1 mm apart waist and hips of eight random bodies change by 0.2 mm, the
# chest by 7 at most, where two slices are as deep as each other.
_STEP_M = 0.005
_CROTCH_STEP_M = 0.001  # to which the crotch's height is found: tapes are read to no more


@dataclass(frozen=True)
class Measurements:
    """In metres; None where the body does not allow the measure.

    height: sole to crown. chest: at the trunk's deepest slice around the upper spine, below the armpits.
    waist: the narrowest slice between pelvis and ribs. hips: the widest between crotch and lower spine.
    inseam: crotch to sole.
    """

    height: float
    chest: float | None
    waist: float | None
    hips: float | None
    inseam: float | None


def measure(body: Mesh, joints: Tensor) -> Measurements:
    """Measure a body that stands upright in its T pose.

    Args:
        body: shaped, not posed; metres, Y up.
        joints: (55, 3), its joints.
    """
    slices = _Slices(body)
    at = dict(zip(JOINTS, joints.numpy(force=True).astype(np.float64), strict=True))
    pelvis, spine1, spine2, spine3 = (at[name] for name in ("pelvis", "spine1", "spine2", "spine3"))
    shoulders = (at["left_shoulder"] + at["right_shoulder"]) / 2
    knees = max(at["left_knee"][1], at["right_knee"][1])
    crotch = _crotch(slices, knees, pelvis)
    # Arms joined to the trunk would widen it, its depth they leave alone.
    trunks = _trunks(slices, (spine2 + spine3)[1] / 2, (spine3 + shoulders)[1] / 2, pelvis)
    chest = max(trunks, key=lambda outline: np.ptp(outline[:, 1]), default=None)
    waist = _trunks(slices, pelvis[1], spine3[1], pelvis)
    hips = [] if crotch is None else _trunks(slices, crotch, spine1[1], pelvis)
    return Measurements(
        height=float(np.ptp(slices.vertices[:, 1])),
        chest=None if chest is None else _tape(chest),
        waist=min(map(_tape, waist), default=None),
        hips=max(map(_tape, hips), default=None),
        inseam=None if crotch is None else float(crotch - slices.vertices[:, 1].min()),
    )


def describe(
    betas: Tensor,
    measurements: Measurements | None,
    joints: Tensor | None,
    errors: Mapping[str, float] | None = None,
) -> dict[str, object]:
    """What `body.json` says of a person's body.

    Args:
        betas: (10) shape coefficients.
        measurements: of the shaped body in the T pose; None leaves them out.
        joints: (55, 3) in the avatar's pose and place; None leaves them out.
        errors: by how many metres measurements are off in the mean, where that is known.
    """
    described: dict[str, object] = {
        "unit": "m",
        "axes": {"up": "+Y", "facing": "+Z", "left": "+X"},
        "betas": _rounded(betas),
    }
    if measurements is not None:
        lengths = asdict(measurements).items()
        described["measurements"] = {name: None if value is None else round(value, 4) for name, value in lengths}
        if errors:
            described["measurement_errors"] = dict(errors)
    if joints is not None:
        described["joints"] = dict(zip(JOINTS, _rounded(joints), strict=True))
    return described


class _Slices:
    """Outlines of a mesh at any height."""

    def __init__(self, mesh: Mesh) -> None:
        self.vertices = mesh.vertices.numpy(force=True).astype(np.float64)
        faces = mesh.faces.numpy(force=True)
        edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1), axis=-1)  # (F, 3, 2)
        keys, place = np.unique(edges[..., 0] * len(self.vertices) + edges[..., 1], return_inverse=True)
        self._edges = np.stack(np.divmod(keys, len(self.vertices)))  # (2, E)
        self._edges_of_face = place.reshape(-1, 3)

    def at(self, height: float) -> list[np.ndarray]:
        """The loops at a height, each the (N, 2) points (x, z) where it meets the mesh's edges, in no order."""
        above = self.vertices[:, 1] > height
        start, end = self._edges
        crossed = np.flatnonzero(above[start] != above[end])
        a, b = self.vertices[start[crossed]], self.vertices[end[crossed]]
        along = (height - a[:, 1]) / (b[:, 1] - a[:, 1])
        points = (a + along[:, None] * (b - a))[:, [0, 2]]
        place = np.full(self._edges.shape[1], -1)
        place[crossed] = np.arange(len(crossed))
        # a crossed triangle has two crossed edges and joins their points
        in_faces = place[self._edges_of_face]
        pairs = np.sort(in_faces[(in_faces >= 0).any(1)], axis=1)[:, 1:]
        graph = coo_matrix((np.ones(len(pairs)), pairs.T), (len(points), len(points)))
        count, loop = connected_components(graph, directed=False)
        return [points[loop == index] for index in range(count)]


def _trunks(slices: _Slices, low: float, high: float, pelvis: np.ndarray) -> list[np.ndarray]:
    """The trunk's outlines between two heights: of the loops that reach both sides of the pelvis, the longest."""
    outlines = []
    for height in np.arange(low, high, _STEP_M):
        around = [loop for loop in slices.at(height) if loop[:, 0].min() < pelvis[0] < loop[:, 0].max()]
        around = [loop for loop in around if np.ptp(loop, axis=0).min() > 0]
        if around:
            outlines.append(max(around, key=_tape))
    return outlines


def _crotch(slices: _Slices, knees: float, pelvis: np.ndarray) -> float | None:
    """The height where no slice reaches both sides of the pelvis any more, going down; None if the knees still do."""
    low, high = knees, float(pelvis[1])
    if not low < high or _spans(slices, low, pelvis) or not _spans(slices, high, pelvis):
        return None
    while high - low > _CROTCH_STEP_M:
        middle = (low + high) / 2
        low, high = (low, middle) if _spans(slices, middle, pelvis) else (middle, high)
    return high


def _spans(slices: _Slices, height: float, pelvis: np.ndarray) -> bool:
    return any(loop[:, 0].min() < pelvis[0] < loop[:, 0].max() for loop in slices.at(height))


def _tape(outline: np.ndarray) -> float:
    """The length of a tape drawn tight around points (N, 2)."""
    return float(ConvexHull(outline).area)  # what it calls the area of a polygon is its circumference


def _rounded(values: Tensor) -> list[object]:
    rounded: list[object] = np.round(values.numpy(force=True).astype(np.float64), 6).tolist()
    return rounded
