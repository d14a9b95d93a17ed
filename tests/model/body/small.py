"""A body of three joints and six vertices that needs no file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

VERTICES, JOINTS = 6, 3


def arrays() -> dict[str, Any]:
    """Its file's content: a stick along y, two vertices to a joint, ten shapes, no pose correction."""
    heights = np.array([0.0, 0.1, 1.0, 1.1, 2.0, 2.1], dtype=np.float32)
    template = np.stack([np.tile([-0.1, 0.1], 3).astype(np.float32), heights, np.zeros(6, np.float32)], axis=1)
    owner = np.repeat(np.eye(JOINTS, dtype=np.float32), 2, axis=0)  # (V, J)
    shapes = np.zeros((VERTICES, 3, 10), np.float32)
    shapes[:, :, 0] = template
    return {
        "v_template": template,
        "f": np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [3, 5, 4]], dtype=np.uint32),
        "shapedirs": shapes,
        "J_regressor": owner.T / 2,
        "weights": owner,
        "kintree_table": np.array([[2**32 - 1, 0, 1], [0, 1, 2]], dtype=np.uint32),
    }


def write(file: Path, **changes: Any) -> Path:
    """Write the body with some arrays changed; None leaves one out."""
    content = {name: array for name, array in (arrays() | changes).items() if array is not None}
    np.savez(file, **content)
    return file
