"""The body that outfits are draped on: its shape and pose, its points, and where on it clothes can lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.body.archive import read_archive
from model.body.joints import JOINTS
from model.body.smplx import BodyModel, read_body
from model.engines.pointcloth.body_points import BodyPoints, Indices, body_points, cut, loop_subdivision
from model.engines.pointcloth.files import BODY_POINTS, body_file
from model.errors import WeightsError

_BARE = ("head", "jaw", "eye", "wrist", "index", "middle", "ring", "pinky", "thumb", "ankle", "foot")


@dataclass(frozen=True)
class DrapedBody:
    """model: its shape and pose. points: of its vertices. root: (3,) metres, of the frame outfits are made in."""

    model: BodyModel
    points: BodyPoints
    root: NDArray[np.float32]


def read_draped_body(weights: Path) -> DrapedBody:
    """That of a folder of weights.

    Raises:
        WeightsError: a file cannot be read, lacks an array, or does not fit the other.
    """
    model = read_body(body_file(weights))
    file = weights / BODY_POINTS
    arrays = read_archive(file, ("clothed", "samples", "root"))
    if missing := {"clothed", "samples", "root"} - arrays.keys():
        raise WeightsError(f"{file}: no array {', '.join(sorted(missing))}")
    clothed = arrays["clothed"].astype(bool)
    if clothed.shape != (len(model.template),):
        raise WeightsError(f"{file}: clothed has {clothed.size} vertices, the body {len(model.template)}")
    faces, samples = model.faces.numpy(), arrays["samples"].astype(np.int64)
    kept, cut_faces = cut(faces, clothed)
    count = loop_subdivision(cut_faces, len(kept)).matrix.shape[0]
    if samples.ndim != 1 or not len(samples) or samples.min() < 0 or samples.max() >= count:
        raise WeightsError(f"{file}: samples name vertices beyond the {count} that there are")
    return DrapedBody(model, body_points(faces, clothed, samples), arrays["root"].astype(np.float32))


def clothed_vertices(model: BodyModel) -> NDArray[np.bool_]:
    """(V,): all but head, hands and feet, as the skin weights of SMPL-X's joints tell them."""
    bare = [i for i, name in enumerate(JOINTS) if any(part in name for part in _BARE)]
    held: NDArray[np.bool_] = model.weights[:, bare].sum(1).numpy() < 0.5
    return held


def spread_samples(model: BodyModel, clothed: NDArray[np.bool_], count: int) -> Indices:
    """(count,) vertices of the subdivided cut, each as far as can be from those before it: any first few of them are
    spread over the body as evenly."""
    kept, faces = cut(model.faces.numpy(), clothed)
    finer = loop_subdivision(faces, len(kept))
    points = (finer.matrix @ model.template.numpy()[kept].astype(np.float64)).astype(np.float32)
    used = np.unique(finer.faces)
    distances = np.full(len(points), -1.0, np.float32)
    distances[used] = np.inf
    chosen = [int(used[0])]
    for _ in range(count - 1):
        gaps = np.square(points - points[chosen[-1]]).sum(1)
        distances = np.minimum(distances, gaps)
        chosen.append(int(distances.argmax()))
    return np.array(chosen, np.int64)
