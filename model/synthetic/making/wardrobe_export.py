"""The clothes MakeHuman models around its body, for the free body.

    python -m model.synthetic.making.wardrobe_export FILE

Tights, a skirt and hair: surfaces that follow every shape and pose of the body. They are carried to the same T pose by
the same turns and then explained by the body's own shape coefficients (betas), so that those alone fit them to it.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.clothes.wardrobe import PIECES
from model.synthetic.making.anny_body import Bodies, sample_bodies, sculpted_quads
from model.synthetic.making.body_export import LICENCE, PEOPLE, SEED, SHAPES, principal_shapes, write_made
from model.synthetic.making.t_pose import to_t_pose

Array = NDArray[np.float64]

DESCRIPTION = "Write tights, skirt and hair that fit the licence-free body. Needs the [synthetic] extra."


def export_piece(betas: Array, people: Bodies, quads: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
    """template (V, 3), shapedirs (V, 3, 10) and weights (V, 55) in float16, and faces (F, 3), of a part of `people`.

    Args:
        betas: (N, 10), everybody's shape coefficients.
        people: all vertices that `quads`, (F, 4), count in.
    """
    used, corners = np.unique(quads, return_inverse=True)
    corners = corners.reshape(-1, 4)
    weights = people.weights[used]
    vertices = np.stack(
        [to_t_pose(v[used], j, weights)[0] for v, j in zip(people.vertices, people.joints, strict=True)]
    )
    design = np.column_stack([np.ones(len(betas)), betas])
    fitted = np.linalg.lstsq(design, vertices.reshape(len(vertices), -1), rcond=None)[0]
    template, shapes = fitted[0].reshape(-1, 3), fitted[1:].reshape(-1, *vertices.shape[1:])
    return {
        "template": template.astype(np.float32),
        "shapedirs": shapes.transpose(1, 2, 0).astype(np.float16),
        "weights": weights.astype(np.float16),
        "faces": np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]]).astype(np.int32),
    }


def export_wardrobe() -> dict[str, NDArray[np.generic]]:
    """The arrays of the file: those of every piece, under `{piece}_{array}`."""
    bodies = sample_bodies(PEOPLE, SEED)
    placed = [to_t_pose(v, j, bodies.weights)[0] for v, j in zip(bodies.vertices, bodies.joints, strict=True)]
    betas = principal_shapes(np.stack(placed), SHAPES)[2]
    people = sample_bodies(PEOPLE, SEED, everything=True)
    arrays: dict[str, NDArray[np.generic]] = {"licence": np.array(LICENCE)}
    for name in PIECES:
        piece = export_piece(betas, people, sculpted_quads(f"helper-{name}"))
        arrays |= {f"{name}_{array}": values for array, values in piece.items()}
    return arrays


def main(argv: list[str] | None = None) -> int:
    """Make the clothes."""
    parser = ArgumentParser(prog="python -m model.synthetic.making.wardrobe_export", description=DESCRIPTION)
    parser.add_argument("file", type=Path, help="where wardrobe.npz goes")
    return write_made(parser, argv, export_wardrobe)


if __name__ == "__main__":
    sys.exit(main())
